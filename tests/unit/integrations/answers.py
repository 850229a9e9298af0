"""A transport that plays an upstream out of a dictionary, and the shapes that tests put into it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from integrations.credentials import Credentials
from integrations.registry import IntegrationRegistry, IntegrationSettings, build_registry
from kit.upstream import Upstream
from schemas.content import Item

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


def reply(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.Response(status, headers=dict(headers or {}), content=content)


@dataclass
class World:
    """Answers by path, or by path and Accept header; what is missing is 404."""

    answers: Mapping[str, httpx2.Response]
    now: datetime = NOW
    settings: Json = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        values = {"youtube_api_key": "app-key", **self.settings}
        self.registry: IntegrationRegistry = build_registry(IntegrationSettings.model_validate(values))
        self.http = Upstream(
            httpx2.MockTransport(self._answer),
            self.registry.bases,
            sleep=self._sleep,
            now=lambda: self.now,
            chance=lambda: 0.0,
        )

    async def fetch(self, url: str, credentials: Credentials | None = None) -> Item:
        found = self.registry.recognise(url)
        return await found.integration.fetch(found.ref, self.http, credentials or Credentials())

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        path = request.url.path
        found = self.answers.get(f"{path} {request.headers['accept']}") or self.answers.get(path)
        found = found or reply(404, {"message": "Not Found"})
        return httpx2.Response(found.status_code, headers=found.headers, content=found.content)

    async def _sleep(self, _seconds: float) -> None:
        """Time does not matter here."""


def repository(full_name: str = "Octocat/Hello-World", **changes: Any) -> Json:
    """The least that a repository has, and `changes`."""
    return {"id": 1296269, "full_name": full_name, "private": False, "default_branch": "main", **changes}


def video(video_id: str = "dQw4w9WgXcQ", **changes: Any) -> Json:
    """One video in the answer's envelope; `changes` replace its parts."""
    snippet = {
        "publishedAt": "2009-10-25T06:57:33Z",
        "channelId": "UC38IQsAvIsxxjztdMZQtwHA",
        "title": "A title",
        "description": "About it",
        "thumbnails": {"default": {"url": "https://i.example/default.jpg"}},
        "channelTitle": "A channel",
        "liveBroadcastContent": "none",
    }
    part = {
        "id": video_id,
        "snippet": snippet,
        "contentDetails": {"duration": "PT3M33S"},
        "statistics": {"viewCount": "1500", "likeCount": "20"},
        **changes,
    }
    return {"kind": "youtube#videoListResponse", "items": [part]}
