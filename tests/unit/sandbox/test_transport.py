import asyncio

import aiohttp
import pytest

from sandbox.client import SandboxClient

PATH = "/repos/tidewater-example/tidewatch"


async def test_timeout_never_answers(sandbox: SandboxClient, github: str, http: aiohttp.ClientSession) -> None:
    await sandbox.fault("github", "timeout")
    with pytest.raises(asyncio.TimeoutError):
        async with http.get(github + PATH, timeout=aiohttp.ClientTimeout(total=0.2)):
            pass


async def test_truncated_body_ends_before_its_content_length(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", "truncated")
    async with http.get(github + PATH) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_reset_ends_the_connection_without_a_word(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", "reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        async with http.get(github + PATH):
            pass


async def test_slow_body_begins_and_does_not_end(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", "slow")
    async with http.get(github + PATH) as response:
        assert await response.content.readexactly(1) == b"{"
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.2):
                await response.read()


async def test_flood_is_far_larger_than_any_answer(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", "flood")
    async with http.get(github + PATH) as response:
        assert response.content_length is None
        read = 0
        while read < 4 * 1_048_576:
            read += len(await response.content.readany())


async def test_garbage_is_200_and_no_json(sandbox: SandboxClient, github: str, http: aiohttp.ClientSession) -> None:
    await sandbox.fault("github", "garbage")
    async with http.get(github + PATH) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        with pytest.raises(ValueError):
            await response.json()


async def test_every_misbehaviour_heals(sandbox: SandboxClient, github: str, http: aiohttp.ClientSession) -> None:
    rule = await sandbox.fault("github", status=503, times=2)
    statuses = []
    for _ in range(3):
        async with http.get(github + PATH) as response:
            statuses.append(response.status)
    assert statuses == [503, 503, 200]
    assert await sandbox.hits(rule) == 2
