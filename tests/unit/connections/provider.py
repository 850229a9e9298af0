"""A provider out of a script: answers by method and path, and remembers what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx2
from pydantic import SecretStr

from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.provider import Provider

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VERIFIER = SecretStr("v" * 43)
SETTINGS = ConnectionSettings.model_validate(
    {
        f"{name}_{part}": f"{name}-{part}"
        for name in ("github", "google", "gitlab", "figma", "huggingface", "dribbble")
        for part in ("client_id", "client_secret")
    }
)
PROVIDERS = build_providers(SETTINGS)
GITHUB, GOOGLE, YOUTUBE = PROVIDERS["github"], PROVIDERS["google"], PROVIDERS["youtube"]


def form(request: httpx2.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode(), keep_blank_values=True).items()}


@dataclass
class Script:
    """`answers` by "METHOD url"; what is missing is 404."""

    answers: Mapping[str, httpx2.Response | Exception]
    requests: list[httpx2.Request] = field(default_factory=list)

    def oauth(self) -> OAuth:
        return OAuth(PROVIDERS, httpx2.MockTransport(self._answer), now=lambda: NOW)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        found = self.answers.get(f"{request.method} {request.url}") or httpx2.Response(404)
        if isinstance(found, Exception):
            raise found
        return httpx2.Response(found.status_code, headers=found.headers, content=found.content)


def token(provider: Provider, **changes: Any) -> Mapping[str, httpx2.Response | Exception]:
    """A token endpoint that gives a token."""
    body = {"access_token": "new-token", "token_type": "Bearer", **changes}
    return {f"POST {provider.token_url}": httpx2.Response(200, json=body)}
