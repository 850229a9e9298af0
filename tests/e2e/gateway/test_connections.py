"""A gateway that very many clients connect to, and say nothing; and one member who wants all the streams."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from ipaddress import ip_network

import httpx2
import pytest

from tests.e2e.gateway.conftest import REPO, Start, World
from tests.unit.gateway.support import bearer

IMPORT = "/api/v1/integrations/import/"
HALF_SENT = [
    b"",
    b"G",
    b"POST " + IMPORT.encode() + b" HTTP/1.1\r\nHost: a\r\nX: ",
    b"POST " + IMPORT.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
    b"POST " + IMPORT.encode() + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
]
NO_KAFKA = "127.0.0.1:1"
SETTINGS = {"streams_per_member": 3, "streams_per_address": 5, "trusted_proxies": (ip_network("127.0.0.1"),)}


@contextmanager
def held(port: int, count: int) -> Iterator[list[socket.socket]]:
    taken = []
    try:
        for number in range(count):
            one = socket.create_connection(("127.0.0.1", port), timeout=10)
            taken.append(one)
            one.sendall(HALF_SENT[number % len(HALF_SENT)])
        yield taken
    finally:
        for one in taken:
            one.close()


def still_open(taken: list[socket.socket]) -> list[socket.socket]:
    """Those whose end has not come; what they are told before it is read and dropped."""
    kept = []
    for one in taken:
        one.setblocking(False)
        try:
            while one.recv(65_536):
                pass
        except BlockingIOError:
            kept.append(one)
        except ConnectionError:
            pass
    return kept


@pytest.mark.alone
async def test_silent_and_half_sent_requests_end_by_themselves_and_keep_nobody_out(start: Start) -> None:
    settings = {"MAX_CONNECTIONS": "300", "HEAD_TIMEOUT": "5", "BODY_TIMEOUT": "5"}
    async with start(NO_KAFKA, **settings) as gateway:
        port = gateway.client.base_url.port
        assert port
        with held(port, 1_500) as taken:
            left, probes = taken, Counter[int]()
            async with asyncio.timeout(120):
                while left:
                    async with httpx2.AsyncClient(base_url=gateway.client.base_url, timeout=30) as newcomer:
                        probes[(await newcomer.get("/livez")).status_code] += 1
                    left = await asyncio.to_thread(still_open, left)
        assert set(probes) == {200}
        accepted = await gateway.client.post(IMPORT, json={"url": REPO})
        assert accepted.status_code == 202
        metrics = (await gateway.client.get("/metrics")).text
        assert 'thrive_http_connections_ended_total{reason="crowded_out"}' in metrics


@asynccontextmanager
async def streaming(client: httpx2.AsyncClient, path: str, **headers: str) -> AsyncIterator[httpx2.Response]:
    """Once it has begun."""
    async with client.stream("GET", path, headers=headers) as response:
        lines = response.aiter_lines()
        if response.status_code == 200:
            await anext(lines)
        else:
            await response.aread()
        yield response


async def again(client: httpx2.AsyncClient, events: str) -> int:
    async with streaming(client, events) as response:
        return response.status_code


async def test_a_member_has_so_many_streams_and_gets_them_back(world: World, served: str) -> None:
    async with httpx2.AsyncClient(base_url=served, headers=bearer(), timeout=30) as client, AsyncExitStack() as open_:
        events = (await client.post(IMPORT, json={"url": REPO})).json()["events_url"]
        streams = AsyncExitStack()
        for _ in range(3):
            assert (await streams.enter_async_context(streaming(client, events))).status_code == 200
        refused = await open_.enter_async_context(streaming(client, events))
        assert (refused.status_code, refused.json()["error_code"]) == (429, "TOO_MANY_STREAMS")
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json().keys() >= {"success", "error", "error_code", "action", "suggestion", "retry_at"}
        # it would wait for longer than this client does, had it a place to wait in
        waiting = await client.post(IMPORT, json={"url": REPO}, headers={"Prefer": "wait=60"})
        assert (waiting.status_code, waiting.json()["success"]) == (202, True)
        assert "preference-applied" not in waiting.headers
        bobs = (await client.post(IMPORT, json={"url": REPO}, headers=bearer("bob"))).json()["events_url"]
        assert (await open_.enter_async_context(streaming(client, bobs, **bearer("bob")))).status_code == 200
        await streams.aclose()
        async with asyncio.timeout(30):
            while (await again(client, events)) == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_wait_takes_a_place_and_gives_it_back(world: World, served: str) -> None:
    async with httpx2.AsyncClient(base_url=served, headers=bearer(), timeout=30) as client:
        task_id, *others = [
            (await client.post(IMPORT, json={"url": f"{REPO}-{number}"})).json()["task_id"] for number in range(3)
        ]
        waits = [
            asyncio.create_task(client.post(IMPORT, json={"url": f"{REPO}-{number}"}, headers={"Prefer": "wait=20"}))
            for number in range(3)
        ]
        events = f"/api/v1/integrations/tasks/{task_id}/events/"
        async with asyncio.timeout(30):
            while "thrive_gateway_followers 3.0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await again(client, events)) == 429
        for one in (task_id, *others):
            await world.complete(one)
        assert {answer.status_code for answer in await asyncio.gather(*waits)} == {200}
        async with asyncio.timeout(30):
            while (await again(client, events)) == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_an_address_has_so_many_streams_and_only_a_proxy_of_ours_says_whose_it_is(
    world: World, served: str
) -> None:
    async with httpx2.AsyncClient(base_url=served, timeout=30) as client, AsyncExitStack() as open_:
        statuses = []
        names = [f"member-{number}" for number in range(7)]
        for name, heard in zip(names, ["1.1.1.1"] * 5 + ["9.9.9.9, 1.1.1.1", "1.1.1.1, 2.2.2.2"], strict=True):
            who = {**bearer(name), "X-Forwarded-For": heard}
            events = (await client.post(IMPORT, json={"url": REPO}, headers=who)).json()["events_url"]
            statuses.append((await open_.enter_async_context(streaming(client, events, **who))).status_code)
        assert statuses == [200] * 5 + [429, 200]
