"""Wrap the whole app: bound request bodies, turn bugs into a 500, count and time requests, add common headers."""

import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import ImportProblem
from kit.httpserver import HANG_UP
from services.gateway.web.errors import BodyTooLargeError, of_broken_answer, of_bug, respond
from services.gateway.web.methods import METHODS, answered_as_get
from services.gateway.web.metrics import LATENCY, REQUESTS

COUNTED = {*METHODS, "HEAD", "OPTIONS"}
WEBHOOKS = "/webhooks/"
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class GatewayMiddleware:
    """A plain ASGI class: Starlette's `BaseHTTPMiddleware` costs a task and a queue per request."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, max_webhook_bytes: int) -> None:
        self._app, self._max_body_bytes, self._max_webhook_bytes = app, max_body_bytes, max_webhook_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, received, answered = time.perf_counter(), 0, False
        most = self._max_webhook_bytes if scope["path"].startswith(WEBHOOKS) else self._max_body_bytes
        head_only = answered_as_get(scope)
        asked = {**scope, "method": "GET"} if head_only else scope
        too_large = f"The request is larger than {most} bytes."

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, too_large)
            return message

        async def counted_send(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in present)]
                self._count(asked, scope["method"], message["status"], time.perf_counter() - started_at)
            elif head_only:
                message = {**message, "body": b""}
            await send(message)

        if _content_length(scope) > most:
            problem: ImportProblem = BodyTooLargeError(too_large)
            await respond(Request(scope), problem)(scope, receive, counted_send)
            return
        try:
            await self._app(asked, bounded_receive, counted_send)
        except Exception as error:
            if not answered:
                await respond(Request(scope), of_bug(error))(scope, receive, counted_send)
                return
            of_broken_answer(error)
            if not (hang_up := scope.get("extensions", {}).get(HANG_UP)):
                raise
            hang_up["call"]()

    def _count(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = method if method in COUNTED else "other"
        REQUESTS.labels(route, method, status).inc()
        LATENCY.labels(route).observe(seconds)


def _content_length(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0
