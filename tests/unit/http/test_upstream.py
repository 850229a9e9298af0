"""The outgoing client against scripted answers: what it asks again, what it gives up on, and where it never goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import UpstreamUnavailableError
from kit.http import Limits, Response
from kit.http.retry import retry_after
from kit.upstream import Upstream

BASE = "https://api.example"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Script:
    """Answers in turn, the last one for ever; remembers what was asked and slept."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers: Iterator[httpx2.Response | Exception] = iter(answers)
        self.last: httpx2.Response | Exception | None = None
        self.requests: list[httpx2.Request] = []
        self.slept: list[float] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.last = next(self.answers, self.last)
        assert self.last is not None
        if isinstance(self.last, Exception):
            raise self.last
        return httpx2.Response(self.last.status_code, headers=self.last.headers, content=self.last.content)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def upstream(self, *more_bases: str, limits: Limits | None = None) -> Upstream:
        return Upstream(
            httpx2.MockTransport(self.answer),
            [BASE, *more_bases],
            limits=limits,
            sleep=self.sleep,
            now=lambda: NOW,
            chance=lambda: 0.5,
        )

    async def get(self, url: str = f"{BASE}/x", *, redirects: int = 0) -> Response:
        return await self.upstream().get(url, service="Example", redirects=redirects)


async def test_an_answer_comes_back_with_its_status_headers_and_json() -> None:
    script = Script(httpx2.Response(404, headers={"X-Some": "1"}, json={"a": [1]}))
    response = await script.upstream().get(f"{BASE}/x", service="Example", params={"q": "a b"}, headers={"Accept": "z"})
    assert (response.status, response.headers["x-some"], response.json()) == (404, "1", {"a": [1]})
    assert str(script.requests[0].url) == f"{BASE}/x?q=a+b"
    assert script.requests[0].headers["accept"] == "z"
    assert script.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "failure", [httpx2.Response(code) for code in (500, 502, 503, 504)] + [httpx2.ReadError("gone")]
)
async def test_a_passing_failure_is_asked_again(failure: httpx2.Response | Exception) -> None:
    script = Script(failure, failure, httpx2.Response(200, json=1))
    assert (await script.get()).status == 200
    assert script.slept == [0.125, 0.25]  # half of 0.25 s and of 0.5 s


async def test_three_retries_and_no_more() -> None:
    script = Script(httpx2.Response(503, text="<html>no</html>"))
    with pytest.raises(UpstreamUnavailableError, match="Example is not available"):
        await script.get()
    assert len(script.requests) == 4


@pytest.mark.parametrize("status", [501, 505, 520])
async def test_other_server_errors_are_not_asked_again(status: int) -> None:
    script = Script(httpx2.Response(status))
    with pytest.raises(UpstreamUnavailableError):
        await script.get()
    assert len(script.requests) == 1


async def test_a_short_retry_after_is_waited_out() -> None:
    script = Script(httpx2.Response(429, headers={"Retry-After": "2"}), httpx2.Response(200))
    assert (await script.get()).status == 200
    assert script.slept == [2.0]


async def test_a_long_retry_after_is_left_to_the_caller() -> None:
    script = Script(httpx2.Response(429, headers={"Retry-After": "60"}))
    assert (await script.get()).status == 429
    assert script.slept == []


async def test_a_long_retry_after_of_an_outage_says_when_to_come_back() -> None:
    date = format_datetime(NOW + timedelta(minutes=2), usegmt=True)
    with pytest.raises(UpstreamUnavailableError) as caught:
        await Script(httpx2.Response(503, headers={"Retry-After": date})).get()
    assert caught.value.retry_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 451])
async def test_client_errors_are_answers(status: int) -> None:
    script = Script(httpx2.Response(status))
    assert (await script.get()).status == status
    assert len(script.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_the_upstreams_fault(body: bytes) -> None:
    response = await Script(httpx2.Response(200, content=body)).get()
    with pytest.raises(UpstreamUnavailableError):
        response.json()


# Where it goes


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.evil.tld/x",
        "https://evil.tld/x",
        "http://api.example/x",
        "https://api.example:8443/x",
        "https://user@api.example/x",
        "https://api.example@evil.tld/x",
        "file:///etc/passwd",
        "ftp://api.example/x",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_only_the_configured_origins_are_called(url: str) -> None:
    script = Script(httpx2.Response(200))
    with pytest.raises(ValueError, match="not an address"):
        await script.get(url)
    assert script.requests == []


async def test_a_redirect_is_an_answer_unless_asked_for() -> None:
    script = Script(httpx2.Response(301, headers={"Location": "/y"}))
    assert (await script.get()).status == 301


async def test_a_redirect_within_the_origin_keeps_the_credentials() -> None:
    script = Script(httpx2.Response(301, headers={"Location": "/y"}), httpx2.Response(200))
    upstream = script.upstream()
    await upstream.get(f"{BASE}/x", service="Example", headers={"authorization": "Bearer t"}, redirects=5)
    assert str(script.requests[1].url) == f"{BASE}/y"
    assert script.requests[1].headers["authorization"] == "Bearer t"


async def test_a_redirect_to_another_allowed_origin_drops_the_credentials() -> None:
    script = Script(httpx2.Response(302, headers={"Location": "https://files.example/y"}), httpx2.Response(200))
    headers = {"Authorization": "Bearer t", "X-Goog-Api-Key": "k", "Accept": "a"}
    upstream = script.upstream("https://files.example")
    await upstream.get(f"{BASE}/x", service="Example", headers=headers, redirects=5)
    assert script.requests[1].headers["accept"] == "a"
    assert not {"authorization", "x-goog-api-key"} & set(script.requests[1].headers)


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/", "//evil.tld/", "http://api.example/x", "https://u@api.example/", "file:///etc/passwd",
     "https://[", "", "http://plain.example/"],
)  # fmt: skip
async def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    script = Script(httpx2.Response(302, headers={"Location": location}))
    with pytest.raises(UpstreamUnavailableError):
        await script.upstream("http://plain.example").get(f"{BASE}/x", service="Example", redirects=5)


async def test_redirects_end_somewhere() -> None:
    script = Script(httpx2.Response(302, headers={"Location": "/x"}))
    with pytest.raises(UpstreamUnavailableError, match="redirects too often"):
        await script.get(redirects=5)
    assert len(script.requests) == 6


async def test_no_error_tells_the_url_or_a_credential() -> None:
    script = Script(httpx2.ConnectError("cannot reach https://api.example/x?key=SECRET"))
    with pytest.raises(UpstreamUnavailableError) as caught:
        await script.upstream().get(f"{BASE}/x?key=SECRET", service="Example", headers={"authorization": "SECRET"})
    assert "SECRET" not in repr(caught.value) + str(caught.value.body())
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_headers_beyond_the_cap_are_refused() -> None:
    script = Script(httpx2.Response(200, headers={f"x-{n}": "y" * 1_000 for n in range(70)}))
    with pytest.raises(UpstreamUnavailableError):
        await script.get()


# Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("7", 7), (" 7 ", 7), ("9" * 30, 31 * 86_400), ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
     ("Sun, 01 Mar 2026 11:00:00 GMT", 0), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None)],
)  # fmt: skip
def test_retry_after_reads_seconds_and_dates(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


@given(st.text(max_size=60))
def test_retry_after_survives_anything(value: str) -> None:
    wait = retry_after({"retry-after": value}, NOW)
    assert wait is None or 0 <= wait <= 31 * 86_400
