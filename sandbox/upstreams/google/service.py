"""accounts.google.com, oauth2.googleapis.com and their like as one: what they share is the grants."""

from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.oauth import page
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.oauth.model import Reason, RefusedError, Rules, words
from sandbox.oauth.server import AuthorizationServer, form_of
from sandbox.upstreams.credentials import caller_of
from sandbox.upstreams.google import openid

JSON = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "Server": "scaffolding on HTTPServer2",
}
ACCESS_SECONDS = 3_599
_LONG = {"email": openid.EMAIL, "profile": openid.PROFILE}
ERRORS = {
    Reason.CLIENT: (401, "invalid_client", "Unauthorized"),
    Reason.REDIRECT: (400, "redirect_uri_mismatch", "Bad Request"),
    Reason.CODE: (400, "invalid_grant", "Bad Request"),
    Reason.NO_VERIFIER: (400, "invalid_grant", "Missing code verifier."),
    Reason.VERIFIER: (400, "invalid_grant", "Invalid code verifier."),
    Reason.REFRESH: (400, "invalid_grant", "Token has been expired or revoked."),
    Reason.GRANT_TYPE: (400, "unsupported_grant_type", "Invalid grant_type."),
}

RULES = Rules(
    provider="google",
    title="Sign in with Google",
    new_access=words("ya29.a0", 160),
    new_refresh=words("1//0", 96),
    access_seconds=ACCESS_SECONDS,
    revokes_all=True,
    offline_by_default=False,
    always_granted=frozenset({"openid", "email", "profile", openid.EMAIL, openid.PROFILE}),
    granted=lambda scopes: tuple(dict.fromkeys(_LONG.get(scope, scope) for scope in scopes)),
    says_who=lambda call: {"iss": openid.issuer(call.base)},
)


class Google:
    name = "google"
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
        return page.refusal("Google", "That's an error. That's all we know", rule.status or 503)

    def answer(self, call: Call) -> Reply:
        match call.method, call.path:
            case (("GET" | "POST"), "/o/oauth2/v2/auth"):
                return self._server.authorize(call)
            case "POST", "/token":
                return self._token(call)
            case (("GET" | "POST"), "/revoke"):
                return self._revoke(call)
            case (("GET" | "POST"), ("/v1/userinfo" | "/oauth2/v3/userinfo")):
                return self._userinfo(call)
            case "GET", "/.well-known/openid-configuration":
                return Reply(
                    200, JSON | {"Cache-Control": "public, max-age=3600"}, dump(openid.configuration(call.base))
                )
            case "GET", "/oauth2/v3/certs":
                return Reply(200, JSON | {"Cache-Control": "public, max-age=21600"}, dump(openid.keys()))
        return page.refusal("Google", "the requested URL was not found on this server", 404)

    def _token(self, call: Call) -> Reply:
        try:
            issued = self._server.token(call)
        except RefusedError as refused:
            return _refusal(refused.reason)
        body = {"access_token": issued.access, "expires_in": ACCESS_SECONDS}
        if issued.refresh:
            body["refresh_token"] = issued.refresh
        body |= {"scope": " ".join(issued.grant.scopes), "token_type": "Bearer"}
        if "openid" in issued.grant.scopes:
            body["id_token"] = openid.id_token(issued, RULES.client.id, call.base, self._grants.clock())
        return Reply(200, JSON, dump(body))

    def _revoke(self, call: Call) -> Reply:
        token = form_of(call).get("token") or call.query.get("token", "")
        if self._grants.revoke_token(RULES, token):
            return Reply(200, JSON, b"{}")
        return Reply(400, JSON, dump({"error": "invalid_token", "error_description": "Token expired or revoked"}))

    def _userinfo(self, call: Call) -> Reply:
        caller = caller_of(call, self._grants, self.name)
        if caller.issued is None or caller.refused:
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            return Reply(401, JSON | {"WWW-Authenticate": challenge}, dump(body))
        return Reply(200, JSON, dump(openid.claims(caller.issued.grant.member, caller.issued.grant.scopes)))


def _refusal(reason: Reason) -> Reply:
    status, error, description = ERRORS.get(reason, (400, "invalid_request", "Bad Request"))
    return Reply(status, JSON, dump({"error": error, "error_description": description}))
