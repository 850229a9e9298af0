"""Figma's OAuth side and /v1/me. https://developers.figma.com/docs/rest-api/authentication/"""

from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.oauth.model import Reason, RefusedError, Rules, words
from sandbox.oauth.server import AuthorizationServer
from sandbox.upstreams.credentials import caller_of

JSON = {"Content-Type": "application/json; charset=utf-8"}
ACCESS_SECONDS = 7_776_000
RULES = Rules(
    provider="figma",
    title="Authorize with Figma",
    new_access=words("figu_", 40),
    new_refresh=words("figur_", 40),
    access_seconds=ACCESS_SECONDS,
)


class Figma:
    """www.figma.com and api.figma.com. A refresh has an address of its own, and the refresh token stays good."""

    name = "figma"
    kinds = frozenset({"invalid_grant", "invalid_client"})

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
        return _error(rule.status or 500, "Internal server error")

    def answer(self, call: Call) -> Reply:
        match call.method, call.path:
            case (("GET" | "POST"), "/oauth"):
                return self._server.authorize(call)
            case "POST", "/v1/oauth/token":
                return self._token(call, "authorization_code")
            case "POST", "/v1/oauth/refresh":
                return self._token(call, "refresh_token")
            case "GET", "/v1/me":
                return self._me(call)
        return _error(404, "Not found")

    def _token(self, call: Call, kind: str) -> Reply:
        try:
            issued = self._server.token(call, kind)
        except RefusedError as refused:
            return _refusal(refused.reason)
        body = {"access_token": issued.access, "token_type": "bearer", "expires_in": ACCESS_SECONDS}
        if issued.refresh:
            body = {"user_id_string": str(issued.grant.member.number), **body, "refresh_token": issued.refresh}
        return Reply(200, JSON, dump(body))

    def _me(self, call: Call) -> Reply:
        caller = caller_of(call, self._grants, self.name)
        if caller.issued is None or caller.refused:
            return _error(403, "Invalid token")
        if not caller.may("current_user:read"):
            return _error(403, "Invalid scope(s). This endpoint requires the current_user:read scope")
        member = caller.issued.grant.member
        user = {
            "id": str(member.number),
            "email": member.email,
            "handle": member.display_name,
            "img_url": f"https://s3-alpha.figma.com/profile/{member.name}",
        }
        return Reply(200, JSON, dump(user))


def _refusal(reason: Reason) -> Reply:
    if reason is Reason.CLIENT:
        return _error(401, "Invalid client id or secret")
    return _error(400, "Invalid refresh token" if reason is Reason.REFRESH else "Invalid code")


def _error(status: int, words: str) -> Reply:
    return Reply(status, JSON, dump({"status": status, "err": words}))
