"""What the routes work with, made once in the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from kit.mongo import Database
from services.gateway.accounts import Accounts
from services.gateway.agents import Agents
from services.gateway.api_tokens import ApiTokens
from services.gateway.batches import Batches
from services.gateway.channels import ChannelImports
from services.gateway.hub import Hub
from services.gateway.identity import Verifier
from services.gateway.imports import Imports
from services.gateway.limits import MemberLimits
from services.gateway.places import Places
from services.gateway.pushes import Pushes
from services.gateway.reads import Reads
from services.gateway.sessions import Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.sources import Sources
from services.gateway.subscriptions import Subscriptions
from services.gateway.users import Users
from services.gateway.walk import Walks


class Integration(Protocol):
    """What the gateway asks of an integration (`integrations.base`)."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def supports_auto_sync(self) -> bool: ...
    def canonical_url(self, url: str) -> str: ...
    def source_url(self, url: str) -> str: ...
    def source_identifier(self, url: str) -> str: ...


class Registry(Protocol):
    def get_for_url(self, url: str) -> Integration:
        """Raises `kit.errors.InvalidURLError`."""

    def get_for_source(self, url: str) -> Integration:
        """Of what can be followed. Raises `kit.errors.InvalidURLError`."""

    def list_all(self) -> "list[Integration] | tuple[Integration, ...]": ...


@dataclass(frozen=True, slots=True)
class Gateway:
    settings: GatewaySettings
    db: Database
    registry: Registry
    verifier: Verifier
    users: Users
    sessions: Sessions
    api_tokens: ApiTokens
    limits: MemberLimits
    reads: Reads
    imports: Imports
    batches: Batches
    sources: Sources
    channels: ChannelImports
    hub: Hub
    places: Places
    walks: Walks
    accounts: Accounts
    agents: Agents
    pushes: Pushes
    subscriptions: Subscriptions
    publishes_well: Callable[[], bool]


async def gateway(request: Request) -> Gateway:
    services: Gateway = request.app.state.gateway
    return services


GatewayDep = Annotated[Gateway, Depends(gateway)]
