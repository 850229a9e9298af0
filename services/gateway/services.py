"""What the routes work with, made once in the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from integrations.registry import AnyIntegration, Recognised
from kit.mongo import Database
from services.gateway.agents.service import Agents
from services.gateway.auth.jwt import Verifier
from services.gateway.auth.oauth_flow import Walks
from services.gateway.auth.sessions import Sessions
from services.gateway.connections.service import Accounts
from services.gateway.imports.batches import Batches
from services.gateway.imports.channels import ChannelImports
from services.gateway.imports.service import Imports
from services.gateway.members.service import Users
from services.gateway.rate_limits.limits import MemberLimits
from services.gateway.rate_limits.public_reads import Reads
from services.gateway.settings import GatewaySettings
from services.gateway.sources.service import Sources
from services.gateway.tasks.open_streams import Places
from services.gateway.tasks.stream import Hub
from services.gateway.tokens.service import ApiTokens
from services.gateway.webhooks.service import Pushes
from services.gateway.webhooks.websub import Subscriptions


class Registry(Protocol):
    """What the gateway asks of `integrations.registry`."""

    def recognise(self, url: str) -> Recognised:
        """Raises `kit.errors.InvalidURLError`."""

    def recognise_source(self, url: str) -> Recognised:
        """Of what can be followed. Raises `kit.errors.InvalidURLError`."""

    def get(self, name: str) -> AnyIntegration: ...
    def list_all(self) -> tuple[AnyIntegration, ...]: ...


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
