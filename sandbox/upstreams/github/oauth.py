"""GitHub's authorization server: its errors are HTTP 200, its answers form-encoded unless JSON is asked for.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.oauth import page
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.oauth.model import Reason, RefusedError, Rules, words
from sandbox.oauth.server import AuthorizationServer
from sandbox.upstreams.github import errors

_APPS = f"{errors.DOCS}/apps/managing-oauth-apps"
_TROUBLE = f"{_APPS}/troubleshooting-oauth-app-access-token-request-errors/#"
_IMPLIED = {  # a scope that stands for others: the token lists the first alone
    "user": ("read:user", "user:email", "user:follow"),
    "repo": ("public_repo", "repo:status", "repo_deployment", "repo:invite", "security_events"),
}
BAD_CODE = {
    "error": "bad_verification_code",
    "error_description": "The code passed is incorrect or expired.",
    "error_uri": f"{_TROUBLE}bad-verification-code",
}
ERRORS: dict[Reason, Mapping[str, str]] = {
    Reason.CLIENT: {
        "error": "incorrect_client_credentials",
        "error_description": "The client_id and/or client_secret passed are incorrect.",
        "error_uri": f"{_TROUBLE}incorrect-client-credentials",
    },
    Reason.REDIRECT: {
        "error": "redirect_uri_mismatch",
        "error_description": "The redirect_uri MUST match the registered callback URL for this application.",
        "error_uri": f"{_TROUBLE}redirect-uri-mismatch2",
    },
    Reason.GRANT_TYPE: {
        "error": "unsupported_grant_type",
        "error_description": "The grant_type is not supported.",
        "error_uri": _TROUBLE,
    },
}


def _listed(scopes: tuple[str, ...]) -> tuple[str, ...]:
    implied = {one for scope in scopes for one in _IMPLIED.get(scope, ())}
    return tuple(scope for scope in dict.fromkeys(scopes) if scope not in implied)


RULES = Rules(
    provider="github",
    title="Authorize with GitHub",
    new_access=words("gho_", 36),
    granted=_listed,
    denied={
        "error": "access_denied",
        "error_description": "The user has denied your application access.",
        "error_uri": f"{_APPS}/troubleshooting-authorization-request-errors/#access-denied",
    },
)


class GitHubLogin:
    name = "github_oauth"
    kinds = frozenset({"bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch", "html"})

    def __init__(self, grants: Grants, consents: Consents) -> None:
        self._server = AuthorizationServer(RULES, grants, consents)

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        named = {error["error"]: error for error in (*ERRORS.values(), BAD_CODE)}
        return _answer(call, named[rule.kind]) if rule.kind in named else errors.fault(rule)

    def answer(self, call: Call) -> Reply:
        match call.method, call.path:
            case (("GET" | "POST"), "/login/oauth/authorize"):
                return self._server.authorize(call)
            case "POST", "/login/oauth/access_token":
                return self._token(call)
        return page.refusal("GitHub", "there is no such page", 404)

    def _token(self, call: Call) -> Reply:
        try:
            issued = self._server.token(call)
        except RefusedError as refused:
            return _answer(call, ERRORS.get(refused.reason, BAD_CODE))
        scope = ",".join(issued.grant.scopes)
        return _answer(call, {"access_token": issued.access, "token_type": "bearer", "scope": scope})


def _answer(call: Call, body: Mapping[str, str]) -> Reply:
    if "application/json" in call.headers.get("Accept", ""):
        return Reply(200, errors.JSON | {"Cache-Control": "no-store"}, dump(body))
    form = "application/x-www-form-urlencoded; charset=utf-8"
    return Reply(200, {"Content-Type": form, "Cache-Control": "no-store"}, urlencode(body).encode())
