"""What the API's description says is what the gateway does: schemathesis, with all of its checks, over all of it."""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from kit.vault import new_key
from sandbox.environment import environment
from sandbox.running import running
from services.gateway.web.pagination import encode
from tests.e2e.gateway.conftest import REPO, Start
from tests.unit.gateway.support import bearer

LONG_SECONDS = 86_400
HERE = Path(__file__).parent
VIDEO = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
NO_KAFKA = "127.0.0.1:1"  # no stage runs here, so nothing is published
KINDS = ("REPOSITORIES", "VIDEOS", "CHANNELS", "SYNCS", "WALKS", "OTHERS", "READS")
MANY = {f"LIMIT_{kind}": "10000" for kind in KINDS}


async def known(client: httpx2.AsyncClient) -> dict[str, object]:
    """A task, a source and a member that there are."""
    task = (await client.post("/api/v1/integrations/import/", json={"url": REPO})).json()
    source = (await client.post("/api/v1/integrations/sources/", json={"url": REPO})).json()
    cursor = encode(datetime.now(UTC), uuid4())
    ids = {"task_id": task["task_id"], "source_id": source["id"], "username": "ada", "provider": "github"}
    return {**ids, "cursor": cursor, "links": [REPO, VIDEO]}


async def findings(start: Start, *options: str) -> str:
    """What schemathesis prints; nothing where it finds nothing."""
    async with running() as sandbox:
        settings = {**environment(sandbox.url), **MANY, "TOKEN_KEYS": new_key("first"), "SOURCES_PER_MEMBER": "10000"}
        async with start(NO_KAFKA, **settings) as gateway:
            headers = bearer(roles=["operator"], exp=int(time.time()) + LONG_SECONDS)
            gateway.client.headers.update(headers)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "schemathesis.cli", "--no-color", "--config-file", str(HERE / "schemathesis.toml")),
                *("run", str(gateway.client.base_url.join("/openapi.json")), "--checks", "all"),
                *("--header", f"Authorization: {headers['Authorization']}", *options),
                env={**os.environ, "KNOWN_TO_THE_GATEWAY": json.dumps(await known(gateway.client))},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            told, _ = await process.communicate()
    return "" if process.returncode == 0 else told.decode()


async def test_the_description_holds(start: Start) -> None:
    assert await findings(start, "--phases", "examples,coverage", "--seed", "1") == ""


@pytest.mark.long
async def test_the_description_holds_whatever_is_made_up(start: Start) -> None:
    assert await findings(start, "--max-examples", "100") == ""
