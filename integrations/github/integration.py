"""GitHub repositories. https://docs.github.com/en/rest/repos/repos and …/rest/repos/contents#get-a-repository-readme"""

import re
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote

from integrations.base import Credentials, Integration, Known, Looked, nonsense
from integrations.coerce import as_dict, as_int, as_line, as_list, as_tags
from integrations.github import readme, sync
from integrations.github.client import GitHubAPI
from integrations.github.errors import not_found
from integrations.github.sync import Answers
from integrations.links import Link, parse
from integrations.settings import IntegrationSettings
from kit.errors import BROWSE_REPOSITORIES, InvalidURLError
from kit.text.service import TextService
from kit.upstream import Upstream
from schemas.content import Item

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]{1,100}")
_GIT = re.compile(r"(\.git)+$", re.IGNORECASE | re.ASCII)  # of a clone's address; no name on GitHub ends so
_SCHEMES = frozenset({"http", "https", "ssh", "git", "git+https", "git+ssh"})
# First segments that are pages of GitHub's own and can be nobody's name
_PAGES = frozenset({
    "about", "account", "apps", "codespaces", "collections", "contact", "copilot", "customer-stories", "dashboard",
    "education", "enterprise", "events", "explore", "features", "issues", "join", "login", "logout", "marketplace",
    "models", "new", "notifications", "organizations", "orgs", "pricing", "pulls", "readme", "resources", "search",
    "security", "sessions", "settings", "signup", "site", "solutions", "sponsors", "stars", "team", "topics",
    "trending", "users",
})  # fmt: skip
# What the page is, and what helps: a suggestion and an action.
_HINTS = {
    "gist": ("Gists are not imported. Paste the link of a repository.", None),
    "orgs": (
        "This is an organisation. Choose one of your repositories, or paste the link of one of its repositories.",
        BROWSE_REPOSITORIES,
    ),
    "owner": (
        "This is a person's or an organisation's page. Choose one of your repositories, or paste a repository link.",
        BROWSE_REPOSITORIES,
    ),
    "page": ("This page of GitHub is not a repository. Paste a link like https://github.com/owner/name.", None),
    "other": ("Paste the link of the repository itself, like https://github.com/owner/name.", None),
}
# Pages about a person or an organisation whose first segment is not their name.
_OF_OWNERS = frozenset({"orgs", "sponsors", "stars", "users"})


class GitHub(Integration):
    name = "github"
    title = "GitHub"
    supports_auto_sync = True
    sample_urls: ClassVar = {
        "https://github.com/octocat/hello-world": "https://github.com/octocat/hello-world",
        "https://github.com/Octocat/Hello-World": "https://github.com/octocat/hello-world",
        "http://www.github.com/octocat/Hello-World/": "https://github.com/octocat/hello-world",
        "github.com/octocat/Hello-World": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World.git.git/": "https://github.com/octocat/hello-world",
        "https://github.com./octocat/./Hello%2DWorld//": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World?tab=readme-ov-file#usage": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World/tree/main/docs": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World/blob/main/README.md#L3": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World/releases/tag/v1.0": "https://github.com/octocat/hello-world",
        "https://github.com/octocat/Hello-World/issues/1": "https://github.com/octocat/hello-world",
        "git@github.com:octocat/Hello-World.git": "https://github.com/octocat/hello-world",
        "ssh://git@github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
        "git://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
        "git+https://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
        "https://github.com:443/sigmavirus24/github3.py": "https://github.com/sigmavirus24/github3.py",
    }
    refused_urls = (
        "https://github.com/",
        "https://github.com/octocat",
        "https://github.com/octocat?tab=repositories",
        "https://github.com/orgs/github/repositories",
        "https://github.com/settings/profile",
        "https://github.com/topics/python",
        "https://github.com/login?return_to=https://github.com/octocat/Hello-World",
        "https://gist.github.com/octocat/6cad326836d38bd3a7ae",
        "https://raw.githubusercontent.com/octocat/Hello-World/main/README.md",
        "https://octocat.github.io/Hello-World",
        "https://api.github.com/repos/octocat/Hello-World",
        "https://github.com.evil.tld/octocat/Hello-World",
        "https://notgithub.com/octocat/Hello-World",
        "https://github.com@evil.tld/octocat/Hello-World",
        "https://token@github.com/octocat/Hello-World",
        "https://evil.tld\\@github.com/octocat/Hello-World",
        "https://evil.tld/https://github.com/octocat/Hello-World",
        "https://evil.tld#@github.com/octocat/Hello-World",
        "https://github.com:8443/octocat/Hello-World",
        "https://g\u0456thub.com/octocat/Hello-World",
        "https://github.com/octocat/..",
        "https://github.com/octocat/Hello-World/../../settings/profile",
        "https://github.com/octocat/%2e%2e",
        "https://github.com/octocat/Hello-World/%2E%2e/settings",
        "https://github.com/octocat/.git",
        "https://github.com/octocat/Hello%2FWorld",
        "https://github.com/octocat/Hello%252DWorld",
        "https://github.com/\u212aelvin/Hello-World",
        "ftp://github.com/octocat/Hello-World",
        "javascript://github.com/octocat/Hello-World",
    )

    def __init__(self, settings: IntegrationSettings, texts: TextService | None = None) -> None:
        self._settings = settings
        self._texts = texts or TextService()
        self._host = settings.github_url.partition("://")[2].lower()

    @property
    def bases(self) -> tuple[str, ...]:
        return (self._settings.github_api_url,)

    def owns(self, link: Link) -> bool:
        host = link.host
        return host == self._host or host.endswith((f".{self._host}", ".github.io", ".githubusercontent.com"))

    def canonical_url(self, url: str) -> str:
        """In lower case: GitHub does not tell names by their case, and the link is an identity. The spelling that
        its owner chose is kept in the item's title, full name and `html_url`."""
        link = parse(url)
        if not self.owns(link):
            raise InvalidURLError("This is not a link to GitHub.")
        if link.host not in (self._host, f"www.{self._host}"):
            raise _refused("gist" if link.host.startswith("gist.") else "other")
        segments = [unquote(segment) for segment in link.segments]
        if link.scheme not in _SCHEMES or not segments:
            raise _refused("other")
        if (page := segments[0].lower()) in _PAGES:
            of_owner = page in _OF_OWNERS and len(segments) > 1
            raise _refused(("orgs" if page == "orgs" else "owner") if of_owner else "page")
        if len(segments) == 1:
            raise _refused("owner")
        owner, name = segments[0], _GIT.sub("", segments[1])
        if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
            raise _refused("other")
        return f"{self._settings.github_url.lower()}/{owner.lower()}/{name.lower()}"

    async def fetch(self, url: str, http: Upstream, credentials: Credentials) -> Item:
        answers = await sync.read(GitHubAPI(self._settings, http, credentials), self._path(url))
        return await self._visible(credentials, answers)

    async def look(self, url: str, http: Upstream, credentials: Credentials, known: Known, max_items: int) -> Looked:
        api = GitHubAPI(self._settings, http, credentials)
        return await sync.look(api, self._path(url), known, partial(self._visible, credentials))

    def _path(self, url: str) -> str:
        owner, name = self.canonical_url(url).rsplit("/", 2)[1:]
        return f"/repos/{owner}/{name}"

    def _html_url(self, repo: dict[str, Any], full_name: str, url: str) -> str:
        """As GitHub spells it, where that is the page of this repository."""
        html_url = as_line(repo.get("html_url"), 2_048)
        return html_url if html_url.lower() == url else f"{self._settings.github_url}/{full_name}"

    async def _visible(self, credentials: Credentials, answers: Answers) -> Item:
        item = self.to_item(answers.repo.json(), answers.shares)
        if item.is_private and credentials.token is None:
            raise not_found(connected=False)  # what the application's own token may see is not every member's to see
        branch = str(item.metadata["default_branch"])
        text = await readme.text(self._texts, answers, item.external_url or item.url, branch)
        return item.model_copy(update={"text": text.content, "text_format": text.format, "text_html": text.html})

    def to_item(self, repo: Any, shares: Any = None) -> Item:
        """From `GET /repos/…` and `…/languages`, without its text.

        Raises UpstreamUnavailableError where `repo` is no repository.
        """
        repo, shares = as_dict(repo), as_dict(shares)
        repo_id, full_name = as_int(repo.get("id")), as_line(repo.get("full_name"))
        if repo_id is None or full_name.count("/") != 1:
            raise nonsense(self.title)
        try:
            url = self.canonical_url(f"{self._settings.github_url}/{full_name}")
        except InvalidURLError:
            raise nonsense(self.title) from None
        html_url = self._html_url(repo, full_name, url)
        branch = as_line(repo.get("default_branch") or repo.get("master_branch")) or "HEAD"
        language = as_line(repo.get("language"), 60) or None
        topics = as_tags(as_list(repo.get("topics")))
        by_bytes = sorted(shares, key=lambda name: -(as_int(shares[name]) or 0))
        return Item(
            integration=self.name,
            external_id=str(repo_id),
            url=url,
            external_url=html_url,
            kind="github_repo",
            title=full_name.rpartition("/")[2],
            full_name=full_name,
            description=as_line(repo.get("description"), 5_000),
            language=language,
            languages=as_tags(by_bytes or [language]),
            topics=topics,
            # Drawn by GitHub for every repository; the first segment may be anything
            image_url=f"{self._settings.github_opengraph_url}/1/{full_name}",
            is_private=repo.get("private") is True or repo.get("visibility") in ("private", "internal"),
            metadata={
                "stars": as_int(repo.get("stargazers_count", repo.get("watchers"))),  # the latter in old answers
                "forks": as_int(repo.get("forks_count", repo.get("forks"))),
                "language": language,
                "topics": topics,
                "license": _licence(as_dict(repo.get("license"))),
                "pushed_at": as_line(repo.get("pushed_at"), 40) or None,
                "archived": repo.get("archived") is True,
                "fork": repo.get("fork") is True,
                "default_branch": branch,
                "repo_id": repo_id,
                "html_url": html_url,
            },
        )


def _refused(hint: str) -> InvalidURLError:
    suggestion, action = _HINTS[hint]
    return InvalidURLError("This link does not lead to a GitHub repository.", suggestion=suggestion, action=action)


def _licence(licence: dict[str, Any]) -> str | None:
    """The SPDX identifier, else the name."""
    spdx = as_line(licence.get("spdx_id"), 100)
    return spdx if spdx and spdx != "NOASSERTION" else as_line(licence.get("name"), 100) or None
