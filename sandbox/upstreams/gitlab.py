"""GitLab's OAuth side, whose refresh tokens rotate, and its /user. https://docs.gitlab.com/api/oauth2/"""

from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.oauth import page
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.oauth.model import Reason, RefusedError, Rules, words
from sandbox.oauth.server import AuthorizationServer, form_of
from sandbox.upstreams.credentials import caller_of

JSON = {"Content-Type": "application/json; charset=utf-8"}
ACCESS_SECONDS = 7_200
_BAD_CLIENT = (
    "Client authentication failed due to unknown client, no client authentication included, "
    "or unsupported authentication method."
)
_BAD_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the "
    "authorization request, or was issued to another client."
)
_BAD_TYPE = "The authorization grant type is not supported by the authorization server."
_REVOKED = "Token was revoked. You have to re-authorize from the user."
_EXPIRED = "Token is expired. You can either do re-authorization or token refresh."
RULES = Rules(
    provider="gitlab",
    title="Authorize with GitLab",
    new_access=words("", 64),
    new_refresh=words("", 64),
    access_seconds=ACCESS_SECONDS,
    rotates=True,
    denied={
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request.",
    },
)


class GitLab:
    name = "gitlab"
    kinds = frozenset({"invalid_grant", "invalid_client", "html"})

    def __init__(self, grants: Grants, consents: Consents) -> None:
        self._server = AuthorizationServer(RULES, grants, consents)
        self._grants = grants

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        match rule.kind:
            case "invalid_grant":
                return _refusal(Reason.REFRESH)
            case "invalid_client":
                return _refusal(Reason.CLIENT)
        return page.refusal("GitLab", "GitLab is not responding", rule.status or 502)

    def answer(self, call: Call) -> Reply:
        match call.method, call.path:
            case (("GET" | "POST"), "/oauth/authorize"):
                return self._server.authorize(call)
            case "POST", "/oauth/token":
                return self._token(call)
            case "POST", "/oauth/revoke":
                return self._revoke(call)
            case "GET", "/api/v4/user":
                return self._user(call)
        return Reply(404, JSON, dump({"error": "404 Not Found"}))

    def _token(self, call: Call) -> Reply:
        try:
            issued = self._server.token(call)
        except RefusedError as refused:
            return _refusal(refused.reason)
        body = {
            "access_token": issued.access,
            "token_type": "bearer",
            "expires_in": ACCESS_SECONDS,
            "refresh_token": issued.refresh,
            "scope": " ".join(issued.grant.scopes),
            "created_at": int(self._grants.clock()),
        }
        return Reply(200, JSON | {"Cache-Control": "no-store"}, dump(body))

    def _revoke(self, call: Call) -> Reply:
        """200 for a token that is not known, as RFC 7009 wants it."""
        try:
            self._server.authenticate(call)
        except RefusedError:
            error = {"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token"}
            return Reply(403, JSON, dump(error))
        self._grants.revoke_token(RULES, form_of(call).get("token", ""))
        return Reply(200, JSON, b"{}")

    def _user(self, call: Call) -> Reply:
        caller = caller_of(call, self._grants, self.name)
        if caller.issued is None or caller.issued.grant.provider != self.name:
            return Reply(401, JSON, dump({"message": "401 Unauthorized"}))
        if caller.refused:
            why = _REVOKED if caller.issued.grant.revoked else _EXPIRED
            challenge = f'Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="{why}"'
            body = {"error": "invalid_token", "error_description": why}
            return Reply(401, JSON | {"WWW-Authenticate": challenge}, dump(body))
        member = caller.issued.grant.member
        if not caller.may("read_user", "api", "read_api"):
            body = {"error": "insufficient_scope", "error_description": "The request requires higher privileges."}
            return Reply(403, JSON, dump(body | {"scope": "read_user api read_api"}))
        user = {
            "id": member.number,
            "username": member.github,
            "name": member.display_name,
            "state": "active",
            "locked": False,
            "avatar_url": f"https://secure.gravatar.com/avatar/{member.number:032x}?s=80&d=identicon",
            "web_url": f"https://gitlab.com/{member.github}",
            "email": member.email,
        }
        return Reply(200, JSON, dump(user))


def _refusal(reason: Reason) -> Reply:
    match reason:
        case Reason.CLIENT:
            status, error, why = 401, "invalid_client", _BAD_CLIENT
        case Reason.GRANT_TYPE:
            status, error, why = 400, "unsupported_grant_type", _BAD_TYPE
        case _:
            status, error, why = 400, "invalid_grant", _BAD_GRANT
    return Reply(status, JSON | {"Cache-Control": "no-store"}, dump({"error": error, "error_description": why}))
