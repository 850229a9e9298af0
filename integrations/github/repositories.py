"""What a GitHub account can see.

https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import httpx2

from integrations.coerce import as_dict, as_int, as_line, as_list
from integrations.credentials import Credentials
from integrations.github import urls
from integrations.github.client import GitHubClient
from integrations.github.settings import GitHubSettings
from integrations.repositories import Page, Repository, Unread
from integrations.responses import malformed_response
from kit.http import Response
from kit.upstream import Upstream

PER_PAGE = 100
UNREADABLE = "GitHub's answer about this repository cannot be read."
_PATH = re.compile(r"/user(/[0-9]{1,20})?/repos\?[\w=&%.,:+-]{1,500}", re.ASCII)


class GitHubRepositories:
    """See `integrations.repositories`."""

    private_scope = "repo"

    def __init__(self, settings: GitHubSettings) -> None:
        self._settings = settings

    async def page(self, http: Upstream, credentials: Credentials, at: str = "1", *, private: bool) -> Page:
        assert credentials.token is not None  # noqa: S101  # an application has no repositories
        if at.isdecimal():
            visibility = "all" if private else "public"
            address = f"/user/repos?per_page={PER_PAGE}&page={int(at)}&sort=pushed&visibility={visibility}"
        else:
            address = _decode(at)
        response = await GitHubClient(self._settings, http, credentials).get(address)
        listed = [it for it in self._repositories(response.json()) if private or not it.is_private]
        repositories = tuple(it for it in listed if isinstance(it, Repository))
        return Page(repositories, self._next(response), tuple(it for it in listed if isinstance(it, Unread)))

    def _repositories(self, listed: Any) -> Iterator[Repository | Unread]:
        if not isinstance(listed, list):
            raise malformed_response(GitHubClient.title)
        for repo in map(as_dict, as_list(listed)):
            full_name = as_line(repo.get("full_name"))
            try:
                owner, name = full_name.split("/")
                url = urls.ref(owner, name, self._settings.github_url).url
            except ValueError:  # also InvalidURLError
                yield Unread(full_name, UNREADABLE, repo.get("private") is True)
                continue
            yield Repository(
                external_id=str(as_int(repo.get("id")) or ""),
                url=url,
                full_name=full_name,
                description=as_line(repo.get("description"), 500),
                language=as_line(repo.get("language"), 60) or None,
                stars=as_int(repo.get("stargazers_count")) or 0,
                is_private=repo.get("private") is True,
                is_archived=repo.get("archived") is True,
                is_fork=repo.get("fork") is True,
                pushed_at=as_line(repo.get("pushed_at"), 40) or None,
            )

    def _next(self, response: Response) -> str | None:
        """The upstream's own address for it, which is not made of ours: it may turn to /user/{id}/repos."""
        url = httpx2.Response(200, headers=response.headers).links.get("next", {}).get("url")
        if url is None:
            return None
        address = url.removeprefix(self._settings.github_api_url)
        if not _PATH.fullmatch(address):
            raise malformed_response(GitHubClient.title)
        return urlsafe_b64encode(address.encode()).decode().rstrip("=")


def _decode(at: str) -> str:
    address = urlsafe_b64decode(at + "=" * (-len(at) % 4)).decode("ascii")
    if not _PATH.fullmatch(address):
        raise ValueError("not a page")
    return address
