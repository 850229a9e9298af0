"""Which methods an address has. The framework knows those of one route, and an address may have several."""

from starlette.requests import Request
from starlette.routing import Match
from starlette.types import Scope

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What a GET does there, nobody wants who asks only for the head: it begins or ends an OAuth flow, follows a task for as
# long as it takes, or confirms a subscription.
NOT_BY_HEAD = ("/start/", "/callback/", "/events/")
NOT_BY_HEAD_UNDER = "/webhooks/"


def answered_as_get(scope: Scope) -> bool:
    """A HEAD of what can be read."""
    path: str = scope["path"]
    return scope["method"] == "HEAD" and not (path.endswith(NOT_BY_HEAD) or path.startswith(NOT_BY_HEAD_UNDER))


def allowed(request: Request) -> str:
    """The `Allow` header of this address; empty where there is nothing."""
    methods = [method for method in METHODS if _has(request, method)]
    if "GET" in methods and answered_as_get({**request.scope, "method": "HEAD"}):
        methods.append("HEAD")
    return ", ".join([*methods, "OPTIONS"]) if methods else ""


def _has(request: Request, method: str) -> bool:
    """Asked with a scope of its own, in which routes leave what they find."""
    names = ("type", "path", "root_path", "headers", "query_string", "app")
    asked = {name: request.scope[name] for name in names if name in request.scope} | {"method": method}
    return any(route.matches(dict(asked))[0] is Match.FULL for route in request.app.router.routes)
