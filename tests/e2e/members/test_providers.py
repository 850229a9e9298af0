"""Each provider that the sandbox plays, connected and disconnected as a browser does it."""

from typing import Any

import pytest
from fastapi import FastAPI

from kit.mongo import Database
from sandbox.client import SandboxClient
from services.gateway.connections.service import Accounts
from services.gateway.web.provided import find
from tests.e2e.members.browser import browser, decided, query_of
from tests.unit.gateway.support import bearer

CONNECTIONS = "/api/v1/connections"


async def listed(client: Any) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"{CONNECTIONS}/")
    return {one["provider"]: one for one in answer.json()["connections"]}


@pytest.mark.parametrize("provider", ["figma", "github", "gitlab", "youtube"])
async def test_a_provider_is_connected_and_disconnected(with_providers: FastAPI, db: Database, provider: str) -> None:
    async with browser(with_providers, **bearer("ada")) as ada:
        started = await ada.get(f"{CONNECTIONS}/{provider}/start/", params={"return_to": "/console/"})
        answer = await ada.get(await decided(started.headers["location"]))
        assert (answer.status_code, query_of(answer.headers["location"])) == (303, {"connected": provider})
        connection = (await listed(ada))[provider]
        assert (connection["state"], connection["missing_scopes"]) == ("connected", [])
        assert connection["account_name"]

        token = await find(with_providers, Accounts).tokens.fresh("user-ada", provider)
        assert token is not None
        stored = str(await db.connections.find().to_list())
        assert token.token.get_secret_value() not in stored

        assert (await ada.delete(f"{CONNECTIONS}/{provider}/")).status_code == 204
        assert (await listed(ada))[provider]["state"] == "disconnected"
        assert await find(with_providers, Accounts).tokens.fresh("user-ada", provider) is None


async def test_a_denied_consent_connects_nothing(with_providers: FastAPI) -> None:
    async with browser(with_providers, **bearer("ada")) as ada:
        started = await ada.get(f"{CONNECTIONS}/github/start/", params={"return_to": "/console/"})
        answer = await ada.get(await decided(started.headers["location"], decision="deny"))
        expected = {"provider": "github", "error_code": "CONSENT_REFUSED"}
        assert query_of(answer.headers["location"]) == expected
        assert (await listed(ada))["github"]["state"] == "disconnected"


async def test_a_limit_of_the_provider_is_told_with_its_end_to_who_browses(
    with_providers: FastAPI, sandbox: SandboxClient
) -> None:
    async with browser(with_providers, **bearer("ada")) as ada:
        started = await ada.get(f"{CONNECTIONS}/github/start/")
        assert (await ada.get(await decided(started.headers["location"]))).status_code == 200
        await sandbox.fault("github", "rate_limit", reset_in=1_000)
        limited = await ada.get("/api/v1/github/repos/")
    assert (limited.status_code, limited.json()["error_code"]) == (429, "RATE_LIMIT")
    assert 900 < int(limited.headers["retry-after"]) <= 1_001
    assert "Send the request again" in limited.json()["suggestion"], "nothing goes on by itself"


async def test_private_repositories_are_browsed_with_their_scope_only(with_providers: FastAPI) -> None:
    async with browser(with_providers, **bearer("ada")) as ada:

        async def connected_with(**params: Any) -> list[dict[str, Any]]:
            started = await ada.get(f"{CONNECTIONS}/github/start/", params=params)
            assert (await ada.get(await decided(started.headers["location"]))).status_code == 200
            found, address = [], "/api/v1/github/repos/"
            while address:
                answer = await ada.get(address)
                assert answer.status_code == 200, answer.text
                found += answer.json()["repositories"]
                address = answer.links["next"]["url"] if "next" in answer.links else ""
            return found

        public = await connected_with()
        everything = await connected_with(private=True)
        assert public
        assert not [one for one in public if one["is_private"]]
        assert [one for one in everything if one["is_private"]]
        assert {one["url"] for one in public} < {one["url"] for one in everything}
