"""Consent by authorization code with PKCE (RFC 6749, 7636), refresh, revocation (RFC 7009): Authlib on our transport.

No code, token or wording of the provider's is in an error or a log line.
"""

from collections.abc import Mapping

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr

from integrations.coerce import as_dict
from integrations.connections.id_token import IdTokens
from integrations.connections.model import Grant
from integrations.connections.token_answers import InvalidGrantError, read_grant, standard, translated
from integrations.provider import Account, Provider
from integrations.responses import malformed_response
from kit.clock import Clock, utc_now
from kit.errors import ImportProblem, UpstreamUnavailableError
from kit.http import LibraryTransport, Limits
from kit.upstream import Upstream

__all__ = ["InvalidGrantError", "OAuth"]

# Somebody waits for the answer, in front of a browser or with an import in hand
TOKEN_LIMITS = Limits(total=15)
ACCOUNT_LIMITS = Limits(total=8, budget=15, retries=1)


class OAuth:
    """`transport` is the process's own; `now` is there for tests."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        transport: httpx2.AsyncBaseTransport,
        *,
        now: Clock = utc_now,
    ) -> None:
        self.providers = providers
        self._transport = transport
        self._now = now
        bases = [url for it in providers.values() for url in (it.account_url, it.jwks_url) if url]
        self._http = Upstream(transport, bases, limits=ACCOUNT_LIMITS)
        self._id_tokens = IdTokens(self._http, now=now)

    def title(self, provider: str) -> str:
        """What people call a provider, also one that is no longer set up."""
        row = self.providers.get(provider)
        return row.title if row else provider

    def authorize_url(
        self,
        provider: Provider,
        *,
        scopes: tuple[str, ...],
        redirect_uri: str,
        state: str,
        verifier: SecretStr,
        nonce: str = "",
    ) -> str:
        """Where the browser goes to ask for consent. Of the verifier only its hash is in it."""
        extra = {**provider.authorize_params, **({"nonce": nonce} if nonce and "openid" in scopes else {})}
        url, _ = self._client(provider).create_authorization_url(
            provider.authorize_url,
            state=state,
            code_verifier=verifier.get_secret_value(),
            redirect_uri=redirect_uri,
            scope=provider.scope_separator.join(scopes),
            **extra,
        )
        return str(url)

    async def exchange(
        self, provider: Provider, *, code: str, redirect_uri: str, verifier: SecretStr, scopes: tuple[str, ...]
    ) -> Grant:
        """The tokens for a code; `scopes` are those that were asked for, which an answer without any confirms.

        Raises InvalidGrantError where the code is wrong, used or old, and UpstreamUnavailableError.
        """
        async with self._client(provider) as client:
            with translated(provider):
                token = await client.fetch_token(
                    provider.token_url,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=redirect_uri,
                    code_verifier=verifier.get_secret_value(),
                )
        return read_grant(provider, token, scopes, self._now())

    async def refresh(self, provider: Provider, grant: Grant) -> Grant:
        """New tokens; the old refresh token stays where the provider sends no new one. Sent once, never repeated.

        Raises InvalidGrantError where the refresh token is dead, and UpstreamUnavailableError.
        """
        if grant.refresh_token is None:
            raise InvalidGrantError(f"{provider.title} gave us no refresh token.")
        async with self._client(provider) as client:
            with translated(provider):
                token = await client.refresh_token(
                    provider.refresh_url or provider.token_url, refresh_token=grant.refresh_token.get_secret_value()
                )
        return read_grant(provider, token, grant.scopes, self._now())

    async def revoke(self, provider: Provider, grant: Grant) -> bool:
        """Whether the provider has taken the tokens back; False where it has no way to. One that is dead already
        counts as taken back. Raises UpstreamUnavailableError.
        """
        if not provider.revoke_url:
            return False
        async with self._client(provider) as client:
            with translated(provider):
                if provider.revoked_by == "DELETE":
                    answer = await _about(client, "DELETE", provider.revoke_url, provider, grant)
                else:  # with a refresh token goes all that was made from it
                    answer = await client.revoke_token(
                        provider.revoke_url, token=(grant.refresh_token or grant.access_token).get_secret_value()
                    )
        if answer.status_code in (401, 403, 429) or answer.status_code >= 500:
            raise UpstreamUnavailableError(f"{provider.title} did not revoke the access.")
        return True

    async def is_good(self, provider: Provider, grant: Grant) -> bool | None:
        """Whether the provider says that it would take the access token. None where it has no way to, or no answer."""
        if not provider.check_url:
            return None
        try:
            async with self._client(provider) as client:
                with translated(provider):
                    answer = await _about(client, "POST", provider.check_url, provider, grant)
        except ImportProblem:
            return None
        return {200: True, 404: False, 422: False}.get(answer.status_code)

    async def account(self, provider: Provider, grant: Grant, *, nonce: str = "") -> Account:
        """Whose tokens they are. With a `nonce`, the id token is checked too and has to name the same account.

        Raises UpstreamUnavailableError, and IdTokenRefusedError with a nonce.
        """
        headers = {"authorization": f"Bearer {grant.access_token.get_secret_value()}"}
        response = await self._http.get(provider.account_url, service=provider.title, headers=headers)
        if response.status != 200:
            raise UpstreamUnavailableError(f"{provider.title} did not say whose account this is.")
        account = provider.read_account(as_dict(response.json()))
        if not account.id:
            raise malformed_response(provider.title)
        if nonce and provider.jwks_url:
            await self._id_tokens.check(provider, grant.id_token, nonce=nonce, subject=account.id)
        return account

    def _client(self, provider: Provider) -> AsyncOAuth2Client:
        """For one call: Authlib keeps the last token in its client."""
        endpoints = (provider.token_url, provider.refresh_url, provider.revoke_url)
        client = AsyncOAuth2Client(
            provider.client_id,
            provider.client_secret.get_secret_value(),
            token_endpoint_auth_method=provider.client_auth,
            revocation_endpoint_auth_method=provider.client_auth,
            code_challenge_method="S256",
            headers={"user-agent": "thrive-imports", "accept": "application/json"},
            transport=LibraryTransport(
                self._transport, filter(None, endpoints), service=provider.title, limits=TOKEN_LIMITS
            ),
            trust_env=False,
        )
        for hook in ("access_token_response", "refresh_token_response"):
            client.register_compliance_hook(hook, standard(provider))
        return client


async def _about(client: AsyncOAuth2Client, method: str, url: str, provider: Provider, grant: Grant) -> httpx2.Response:
    """What the application asks of an access token that it was given, with its own credential: GitHub's way."""
    answer: httpx2.Response = await client.request(
        method,
        url,
        withhold_token=True,
        auth=(provider.client_id, provider.client_secret.get_secret_value()),
        json={"access_token": grant.access_token.get_secret_value()},
    )
    return answer
