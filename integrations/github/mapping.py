"""A repository and its README as an item.

https://docs.github.com/en/rest/repos/repos and https://docs.github.com/en/rest/repos/contents
"""

import base64
import binascii
from typing import Any
from urllib.parse import quote, urlsplit

from integrations.coerce import as_dict, as_int, as_line, as_list, as_tags, as_text
from integrations.github import urls
from integrations.github.errors import TITLE
from integrations.github.settings import GitHubSettings
from integrations.github.sync import Answers
from integrations.responses import malformed_response
from kit.errors import InvalidURLError
from kit.text.document import Document
from kit.text.formats import MARKDOWN, format_of
from kit.text.places import Places
from kit.text.service import TextService
from schemas.content import Item


def to_item(repo: Any, shares: Any, settings: GitHubSettings) -> Item:
    """Make an item of the bodies of `GET /repos/…` and `…/languages`, without its text.

    Raises UpstreamUnavailableError where `repo` is no repository.
    """
    repo, shares = as_dict(repo), as_dict(shares)
    repo_id, full_name = as_int(repo.get("id")), as_line(repo.get("full_name"))
    if repo_id is None or full_name.count("/") != 1:
        raise malformed_response(TITLE)
    try:
        owner, name = full_name.split("/")
        url = urls.ref(owner, name, settings.github_url).url
    except InvalidURLError:
        raise malformed_response(TITLE) from None
    html_url = as_line(repo.get("html_url"), 2_048)
    if html_url.lower() != url:  # not this repository's page
        html_url = f"{settings.github_url}/{full_name}"
    branch = as_line(repo.get("default_branch") or repo.get("master_branch")) or "HEAD"
    language = as_line(repo.get("language"), 60) or None
    topics = as_tags(as_list(repo.get("topics")))
    by_bytes = sorted(shares, key=lambda name: -(as_int(shares[name]) or 0))
    return Item(
        integration="github",
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
        image_url=f"{settings.github_opengraph_url}/1/{full_name}",
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


async def readme_text(texts: TextService, answers: Answers, html_url: str, branch: str) -> Document:
    """Empty where there is none. `html_url` is the repository's page."""
    data = answers.raw if answers.raw is not None else _decoded(as_text(answers.file.get("content")))
    if not data:
        return Document("", MARKDOWN)
    path = as_line(answers.file.get("path")) or "README.md"
    return await texts.read(data, format_of(path), places(html_url, branch, path), answers.html)


def places(html_url: str, branch: str, path: str) -> Places:
    """Where links begin. GitHub's `raw` addresses serve every file: also those that Git LFS keeps, of which
    raw.githubusercontent.com has nothing but the pointers."""
    ref, file = quote(branch), quote(path)
    page_root, image_root = f"{html_url}/blob/{ref}/", f"{html_url}/raw/{ref}/"
    return Places(
        page=page_root + file,
        page_root=page_root,
        image=image_root + file,
        image_root=image_root,
        at_host=tuple(f"{urlsplit(html_url).path}/{kind}/" for kind in ("blob", "raw", "tree", "wiki", "issues")),
        forge=html_url.rsplit("/", 2)[0],
    )


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        raise malformed_response(TITLE) from None


def _licence(licence: dict[str, Any]) -> str | None:
    """The SPDX identifier, else the name."""
    spdx = as_line(licence.get("spdx_id"), 100)
    return spdx if spdx and spdx != "NOASSERTION" else as_line(licence.get("name"), 100) or None
