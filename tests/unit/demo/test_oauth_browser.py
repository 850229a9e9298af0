"""The demonstration connects accounts as a browser does."""

from urllib.parse import parse_qs

import httpx2
import pytest

from demo.oauth_browser import browser, connect

GATEWAY, PROVIDER = "http://127.0.0.1:8000", "http://127.0.0.1:9100/github.com/login/oauth/authorize"
COOKIE = "__Host-oauth-flow=secret"


class Web:
    """A gateway and a provider; notes what each was asked with."""

    def __init__(self, *, denies: bool = False) -> None:
        self.requests: list[httpx2.Request] = []
        self._denies = denies

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        match request.method, request.url.path:
            case "GET", "/api/v1/connections/github/start/":
                target = f"{PROVIDER}?client_id=c&scope=user%20repo&state=s"
                return httpx2.Response(302, headers={"Location": target, "Set-Cookie": f"{COOKIE}; Path=/; Secure"})
            case "GET", "/github.com/login/oauth/authorize":
                return httpx2.Response(200, text="<form>")
            case "POST", "/github.com/login/oauth/authorize":
                back = f"{GATEWAY}/api/v1/connections/github/callback/?code=x&state=s"
                return httpx2.Response(302, headers={"Location": back})
            case "GET", "/api/v1/connections/github/callback/":
                return httpx2.Response(400 if self._denies else 200, json={"account_name": "mira-example"})
        raise AssertionError(request.url)


async def test_the_cookie_of_the_start_comes_back_and_the_members_token_stays_with_the_gateway() -> None:
    web = Web()
    async with browser(httpx2.MockTransport(web)) as client:
        connection = await connect(client, GATEWAY, "jwt", "github", "mira", private=True)
    assert connection == {"account_name": "mira-example"}
    start, _page, consent, callback = web.requests
    assert dict(start.url.params) == {"private": "true"}
    assert callback.headers["cookie"] == COOKIE
    assert [request.headers.get("authorization") for request in web.requests] == ["Bearer jwt", None, None, None]
    form = parse_qs(consent.content.decode())
    assert (form["member"], form["tick"], form["decision"], form["state"]) == (
        ["mira"],
        ["user", "repo"],
        ["allow"],
        ["s"],
    )


async def test_a_walk_that_is_refused_is_an_error_without_its_code() -> None:
    async with browser(httpx2.MockTransport(Web(denies=True))) as client:
        with pytest.raises(httpx2.HTTPError, match="callback/ answers 400") as refused:
            await connect(client, GATEWAY, "jwt", "github", "mira")
    assert "code=" not in str(refused.value)
