"""The transport for libraries: where it goes, what it lets through, and what it never tells."""

import gzip
import json

import httpx2
import pytest

from kit.errors import UpstreamUnavailableError
from kit.http import BodyTooLargeError, LibraryTransport

BASE = "https://id.example"


class Wire:
    def __init__(self, answer: httpx2.Response | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def client(self) -> httpx2.AsyncClient:
        transport = LibraryTransport(httpx2.MockTransport(self), [BASE], service="Example")
        return httpx2.AsyncClient(transport=transport, trust_env=False)


async def test_a_request_goes_out_as_it_is() -> None:
    wire = Wire(httpx2.Response(200, json={"a": 1}))
    response = await wire.client().post(f"{BASE}/token?x=1", data={"code": "c"}, headers={"X-Some": "1"})
    (sent,) = wire.requests
    assert (sent.method, str(sent.url), sent.content) == ("POST", f"{BASE}/token?x=1", b"code=c")
    assert sent.headers["x-some"] == "1"
    assert sent.headers["accept-encoding"] == "gzip"
    assert response.json() == {"a": 1}


async def test_a_packed_body_arrives_unpacked() -> None:
    packed = gzip.compress(json.dumps({"a": 1}).encode())
    wire = Wire(httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(packed)))
    response = await wire.client().get(BASE)
    assert response.json() == {"a": 1}
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "url", ["https://evil.tld/", "http://id.example/", "https://id.example:8443/", "https://u:p@id.example/"]
)
async def test_only_the_configured_origins_are_called(url: str) -> None:
    wire = Wire(httpx2.Response(200))
    with pytest.raises(ValueError, match="not an address"):
        await wire.client().post(url)
    assert wire.requests == []


async def test_a_redirect_is_an_answer() -> None:
    wire = Wire(httpx2.Response(302, headers={"location": "https://evil.tld/"}))
    assert (await wire.client().post(BASE)).status_code == 302
    assert len(wire.requests) == 1


@pytest.mark.parametrize("failure", [httpx2.ConnectError("SECRET"), httpx2.ReadTimeout("SECRET"), TimeoutError()])
async def test_a_failure_is_an_outage_that_tells_nothing(failure: Exception) -> None:
    wire = Wire(failure)
    with pytest.raises(UpstreamUnavailableError) as caught:
        await wire.client().post(BASE, data={"code": "SECRET"})
    assert "SECRET" not in repr(caught.value) + str(caught.value.body())
    assert len(wire.requests) == 1, "what may have been heard is not said twice"


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (httpx2.ConnectError(""), ConnectionRefusedError),
        (httpx2.PoolTimeout(""), ConnectionRefusedError),
        (httpx2.ReadTimeout(""), BrokenPipeError),
        (httpx2.ReadError(""), BrokenPipeError),
        (httpx2.ConnectTimeout(""), ConnectionRefusedError),
        (TimeoutError(), BrokenPipeError),
    ],
)
async def test_what_may_have_been_heard_is_told_apart(failure: Exception, raised: type[Exception]) -> None:
    transport = LibraryTransport(
        httpx2.MockTransport(Wire(failure)),
        [BASE],
        service="Example",
        unavailable=ConnectionRefusedError,
        unanswered=BrokenPipeError,
    )
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        with pytest.raises(raised):
            await client.post(BASE)


async def test_a_bomb_is_refused() -> None:
    wire = Wire(
        httpx2.Response(
            200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(gzip.compress(bytes(50_000_000)))
        )
    )
    with pytest.raises(BodyTooLargeError):
        await wire.client().get(BASE)
