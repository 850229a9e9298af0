"""A gateway without its engines: settings, tokens, a small registry, a broker that remembers."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import OctKey
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from integrations.base import Ref
from integrations.collection import Collection
from integrations.connections.settings import ConnectionSettings
from integrations.github.webhook import WEBHOOK
from integrations.registry import AnyIntegration, IntegrationRegistry, Recognised
from integrations.webhook import Webhook
from integrations.youtube.channels import Channels
from integrations.youtube.settings import YouTubeSettings
from kit.errors import InvalidURLError
from kit.mongo import Database, Document
from kit.vault import Vault, VaultSettings
from schemas.events import ImportRequested
from services.gateway.api import create_app
from services.gateway.connections.service import Accounts, open_accounts
from services.gateway.imports.service import Publish
from services.gateway.settings import GatewaySettings

SECRET = "a secret of the tests, with more than 32 bytes"
ISSUER, AUDIENCE = "https://issuer.test", "gateway-under-test"


def settings(**changes: Any) -> GatewaySettings:
    given = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_key": SecretStr(SECRET), **changes}
    return GatewaySettings(**given)


def token(name: str = "ada", *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A valid token, but for what is changed; a claim that is None is left out."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"user-{name}", "preferred_username": name, "exp": now + 600}
    kept = {claim: value for claim, value in {**given, **claims}.items() if value is not None}
    header = {"alg": "HS256", "typ": "JWT", **(header or {})}
    # Not `jwt.encode`, which cannot say half a character
    return jws.serialize_compact(header, json.dumps(kept), key or OctKey.import_key(SECRET), algorithms=[header["alg"]])


def bearer(name: str = "ada", **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(name, **claims)}"}


@dataclass(frozen=True)
class FakeIntegration:
    name: str
    title: str
    host: str
    limit_kind: str
    supports_auto_sync: bool = False
    collection: Collection | None = None
    webhook: Webhook | None = None


class FakeRegistry(IntegrationRegistry):
    """Recognises any link of two hosts."""

    integrations = (
        FakeIntegration("github", "GitHub", "github.com", "repositories", webhook=WEBHOOK),
        FakeIntegration("youtube", "YouTube", "youtube.com", "videos", collection=Channels(YouTubeSettings())),
    )

    def __init__(self) -> None:
        super().__init__(cast("tuple[AnyIntegration, ...]", self.integrations))

    def recognise(self, url: str) -> Recognised:
        for one in self.integrations:
            if url.startswith(f"https://{one.host}/"):
                canonical = url.removesuffix("/").lower()
                return Recognised(cast(AnyIntegration, one), Ref(canonical, canonical))
        raise InvalidURLError("This link is not supported.")

    recognise_source = recognise


@dataclass
class FakeBroker:
    """Remembers what was published; `failure` makes it an absent one."""

    events: list[ImportRequested] = field(default_factory=list)
    failure: Exception | None = None

    async def publish(self, event: ImportRequested) -> None:
        if self.failure:
            raise self.failure
        self.events.append(event)


def absent_database() -> Database:
    """Nothing listens there, and nobody waits for it: with any patience at all, PyMongo looks for half a second."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        "mongodb://127.0.0.1:1", serverSelectionTimeoutMS=0, uuidRepresentation="standard"
    )
    return client["absent"]


@asynccontextmanager
async def client_of(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


def gateway_app(
    given: GatewaySettings, db: Database, publish: Publish, *, accounts: Accounts | None = None, **more: Any
) -> FastAPI:
    """The gateway with a small registry; without `accounts`, with those of no provider."""
    return create_app(given, db, publish, FakeRegistry(), accounts or no_accounts(db), **more)


def no_accounts(db: Database) -> Accounts:
    """Accounts of no provider; nothing of them calls anybody."""
    settings = ConnectionSettings.model_construct()
    return open_accounts(db, httpx2.AsyncBaseTransport(), settings, Vault(VaultSettings.model_construct()))
