"""The switches: /_sandbox/…, in JSON. `sandbox.client` is the same in Python.

GET    /_sandbox                            addresses, latencies, limits, faults
GET    /_sandbox/links                      links worth importing, and what should come of each
GET    /_sandbox/calls                      {upstream: {endpoint: {count, distinct, again}}}
GET    /_sandbox/calls?upstream=&contains=  the latest calls whose text holds this
DELETE /_sandbox/calls
PUT    /_sandbox/latency                    {upstream or "*": seconds}
PUT    /_sandbox/limits/{upstream}          {authenticated, anonymous, window}
GET    /_sandbox/limits/{upstream}          {caller: {limit, reset, used, refused}}
POST   /_sandbox/faults                     a rule (sandbox.faults.Rule); answers it with its id
DELETE /_sandbox/faults[/{id}]
PUT    /_sandbox/consents/{provider or "*"} {member, deny, without}: decides by itself, no page is shown
GET    /_sandbox/grants                     what members allowed, and what became of it
POST   /_sandbox/grants/expire              {provider, member}: their access tokens are too old now
POST   /_sandbox/grants/revoke              {provider, member}: as if they had withdrawn it at the provider
GET    /_sandbox/secrets                    every code, token and client secret: what must turn up nowhere
PUT    /_sandbox/clock                      {advance: seconds}
POST   /_sandbox/reset                      everything as it was started

What upstreams know, and what they push of it: sandbox/changing.py.
"""

import json
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.changing import Changing
from sandbox.environment import environment
from sandbox.exchange import dump
from sandbox.faults import DELAY, ERROR
from sandbox.links import LINKS
from sandbox.oauth.model import CLIENTS
from sandbox.state import State
from sandbox.transport import MISBEHAVIOURS


class Admin:
    def __init__(self, state: State) -> None:
        self._state = state
        self._changing = Changing(state.world, state.hub, state.webhooks, state.courier)

    async def respond(self, request: web.BaseRequest, path: str) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
            steps = path.strip("/").split("/")
            answer = self._route(request, steps, body)
            if answer is None:
                answer = await self._changing.route(request.method, steps, body, dict(request.query))
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})
        return _json(404, {"error": "no such switch"}) if answer is None else _json(200, answer)

    def _route(self, request: web.BaseRequest, path: list[str], body: dict[str, Any]) -> Any:
        state = self._state
        match request.method, path:
            case "GET", [""]:
                return self._overview(f"http://{request.host}")
            case "GET", ["links"]:
                return {"links": [asdict(link) for link in LINKS]}
            case "GET", ["calls"] if request.query:
                return {
                    "calls": state.calls.recent(request.query.get("upstream", ""), request.query.get("contains", ""))
                }
            case "GET", ["calls"]:
                return state.calls.described()
            case "DELETE", ["calls"]:
                state.calls.reset()
                return {}
            case "PUT", ["latency"]:
                return self._set_latency(body)
            case "GET", ["limits", upstream]:
                return state.limits.spent(upstream)
            case "PUT", ["limits", upstream]:
                return asdict(state.limits.set(upstream, **body))
            case "POST", ["faults"]:
                return self._add_fault(body)
            case "DELETE", ["faults", *rule_id]:
                state.faults.remove(int(rule_id[0]) if rule_id else None)
                return {}
            case "PUT", ["consents", provider]:
                state.consents.set(provider, body)
                return {}
            case "GET", ["grants"]:
                return {"grants": state.grants.described()}
            case "POST", ["grants", "expire"]:
                return {"ended": state.grants.expire(**body)}
            case "POST", ["grants", "revoke"]:
                return {"ended": state.grants.revoke(**body)}
            case "GET", ["secrets"]:
                return {"secrets": [*state.grants.secrets(), *(client.secret for client in CLIENTS.values())]}
            case "PUT", ["clock"]:
                state.clock.advance(float(body.get("advance", 0)))
                return {"ahead": state.clock.ahead}
            case "POST", ["reset"]:
                state.reset()
                return {}
        return None

    def _overview(self, base: str) -> dict[str, Any]:
        state = self._state
        return {
            "environment": environment(base),
            "latency": state.latencies,
            "limits": state.limits.described(),
            "faults": state.faults.described(),
        }

    def _set_latency(self, seconds: dict[str, Any]) -> dict[str, float]:
        latencies = self._state.latencies
        if unknown := set(seconds) - {*latencies, "*"}:
            raise ValueError(f"no upstream {sorted(unknown)}; there are {sorted(latencies)}")
        for name, value in seconds.items():
            latencies.update(dict.fromkeys(latencies, float(value)) if name == "*" else {name: float(value)})
        return latencies

    def _add_fault(self, described: dict[str, Any]) -> dict[str, Any]:
        kind, upstream = described.get("kind", ERROR), described.get("upstream")
        known = {ERROR, DELAY, *MISBEHAVIOURS}
        for one in self._state.upstreams.values():
            known |= one.kinds if one.name == upstream else set()
        if kind not in known:
            raise ValueError(f"{upstream} has no fault {kind!r}; there are {sorted(known)}")
        return asdict(self._state.faults.add(described))


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=dump(body), content_type="application/json")
