"""The probes of a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import pytest

from kit.process import make_app


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    yield


async def ready() -> Mapping[str, bool]:
    return {"kafka": True, "mongodb": False}


@pytest.fixture
async def probes() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(make_app(running, lambda: True, ready))
    async with httpx2.AsyncClient(transport=transport, base_url="http://stage") as client:
        yield client


async def test_probes_and_metrics_answer_where_they_are_documented(probes: httpx2.AsyncClient) -> None:
    assert (await probes.get("/livez")).json() == {"live": True}
    answer = await probes.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"kafka": True, "mongodb": False})
    answer = await probes.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert "# TYPE python_info gauge" in answer.text


@pytest.mark.parametrize("path", ["/livez/", "/readyz/", "/metrics/", "/metrics"])
async def test_nobody_is_sent_to_a_host_that_they_named(probes: httpx2.AsyncClient, path: str) -> None:
    answer = await probes.get(path, headers={"Host": "evil.test"})
    assert "location" not in answer.headers
