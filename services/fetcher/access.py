"""Which credential a fetch goes out with: the account that the member connected, else the application's own."""

from typing import Protocol

from integrations.base import Credentials, Integration
from integrations.connections.model import Connection, ConnectionState
from integrations.connections.tokens import FreshToken
from kit.errors import ContentNotFoundError, IntegrationAuthError, ReauthRequiredError, TokenRefusedError
from kit.http import Upstream
from schemas.content import Item


class Tokens(Protocol):
    async def fresh(self, user_id: str, provider: str) -> FreshToken | None: ...
    async def refused(self, used: FreshToken) -> FreshToken | None: ...


class Connections(Protocol):
    async def find(self, user_id: str, provider: str) -> Connection | None: ...


class Access:
    def __init__(self, tokens: Tokens, connections: Connections, http: Upstream) -> None:
        self._tokens = tokens
        self._connections = connections
        self._http = http

    async def fetch(self, integration: Integration, url: str, user_id: str, *, interactive: bool) -> Item:
        """What stands at `url`, as this member may see it. Raises the errors of `kit.errors`.

        Without a working connection it is looked for as the public sees it. What the public does not see waits for
        the member where their account has to be connected again, and fails where it is not connected any more.
        """
        ours = Credentials(user_id=user_id, interactive=interactive)
        try:
            token = await self._tokens.fresh(user_id, integration.name)
            if token is not None:
                return await self._as_member(integration, url, token, interactive=interactive)
        except ReauthRequiredError as held:
            try:
                return await integration.fetch(url, self._http, ours)
            except (ContentNotFoundError, IntegrationAuthError):
                raise held from None
        try:
            return await integration.fetch(url, self._http, ours)
        except ContentNotFoundError:
            connection = await self._connections.find(user_id, integration.name)
            if connection is None or connection.state is not ConnectionState.DISCONNECTED:
                raise
            raise IntegrationAuthError(
                f"{integration.title} does not show this to the public, and your account is not connected any more.",
                action=f"connect_{integration.name}",
                suggestion=f"Connect {integration.title} again, then retry the import.",
            ) from None

    async def _as_member(self, integration: Integration, url: str, token: FreshToken, *, interactive: bool) -> Item:
        """A token that is refused before its time is renewed, and tried once more."""

        def member(token: FreshToken) -> Credentials:
            return Credentials(token.token, token.account_id, token.user_id, interactive)

        try:
            return await integration.fetch(url, self._http, member(token))
        except TokenRefusedError:
            newer = await self._tokens.refused(token)
            if newer is None:  # disconnected meanwhile
                raise
            return await integration.fetch(url, self._http, member(newer))
