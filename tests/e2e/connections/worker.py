"""One process of many that all want the same token at the same moment."""

import asyncio
import hashlib
import multiprocessing
from collections import Counter
from multiprocessing.synchronize import Barrier

from pydantic import SecretStr

from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from kit.errors import AccountUnavailableError, ReauthRequiredError
from kit.http import open_transport
from kit.mongo import connect
from kit.settings import MongoSettings
from tests.e2e.connections.rig import oauth, vault

PATIENCE = 120  # seconds

start: Barrier


def begin(barrier: Barrier) -> None:
    """In every new process of the pool."""
    global start
    start = barrier


def work(mongodb: str, database: str, token_endpoint: str, jobs: int) -> Counter[str]:
    """What came out of so many jobs at once: digests of the tokens, and the names of errors."""
    start.wait(PATIENCE)
    return asyncio.run(_work(mongodb, database, token_endpoint, jobs))


async def _work(mongodb: str, database: str, token_endpoint: str, jobs: int) -> Counter[str]:
    db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    transport = open_transport()
    tokens = Tokens(Connections(db, vault()), oauth(transport, google_oauth_url=token_endpoint))
    try:
        return Counter(await asyncio.gather(*(_job(tokens) for _ in range(jobs))))
    finally:
        await tokens.aclose()
        await transport.aclose()
        await db.client.close()


async def _job(tokens: Tokens) -> str:
    try:
        token = await tokens.fresh("ada", "youtube")
    except (AccountUnavailableError, ReauthRequiredError) as error:
        return type(error).__name__
    assert token is not None
    return digest(token.token.get_secret_value())


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def processes() -> "multiprocessing.context.ForkServerContext":
    """Each is forked from one that has imported all of this already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
