"""One server for all upstreams: find the upstream, count the call, wait, then answer or misbehave."""

import asyncio

from aiohttp import web

from sandbox.admin import Admin
from sandbox.exchange import Call, Reply, Upstream
from sandbox.faults import DELAY, Rule
from sandbox.state import State
from sandbox.transport import MISBEHAVIOURS

ADMIN = "/_sandbox"


class Sandbox:
    """The request handler of aiohttp's low-level server: without a router a call costs half as much."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._admin = Admin(state)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == ADMIN or path.startswith(f"{ADMIN}/"):
            return await self._admin.respond(request, path[len(ADMIN) :])
        for prefix, upstream in self._state.upstreams.items():
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("/", ""):
                return await self._respond(upstream, request, path[len(prefix) :])
        return web.Response(status=404, text=f"The sandbox has nothing here; see {ADMIN}\n")

    async def _respond(self, upstream: Upstream, request: web.BaseRequest, path: str) -> web.StreamResponse:
        body = await request.read() if request.can_read_body else b""
        call = Call(
            method=request.method,
            path=path,
            query=request.query,
            headers=request.headers,
            body=body,
            remote=request.remote or "127.0.0.1",
            base=f"http://{request.host}",
        )
        text = f"{call.method} {path}?{request.query_string}\n{body.decode(errors='replace')}"
        endpoint = upstream.endpoint(path)
        self._state.calls.record(upstream.name, endpoint, text)
        rule = self._state.faults.pick(upstream.name, call.method, path, text)
        if delay := self._state.latencies[upstream.name] + (rule.delay if rule else 0):
            await asyncio.sleep(delay)
        self._state.calls.answered(upstream.name, endpoint, text)
        if rule is None or rule.kind == DELAY:
            return _response(upstream.answer(call))
        if misbehave := MISBEHAVIOURS.get(rule.kind):
            return await misbehave(request, upstream.answer(call))
        return _response(_edited(upstream.fail(call, rule), rule))


def _edited(reply: Reply, rule: Rule) -> Reply:
    """The reply with what the rule says itself of status, headers and body."""
    headers = {**reply.headers, **rule.headers}
    if rule.retry_after is not None and "Retry-After" not in headers and "retry-after" not in headers:
        headers["Retry-After"] = f"{rule.retry_after:g}"
    body = reply.body if rule.body is None else rule.body.encode()
    return Reply(rule.status or reply.status, headers, body)


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


def new_server(state: State) -> web.Server:
    """Start it with `web.ServerRunner`. A caller that hangs up ends its request."""
    return web.Server(Sandbox(state), handler_cancellation=True, access_log=None)
