"""A member's own repositories at a provider, with the projects that they have of them."""

from collections.abc import Sequence
from dataclasses import asdict

from integrations.credentials import Credentials
from integrations.repositories import Page, Repositories, Repository, Unread
from kit.mongo import Database, Document
from kit.upstream import Upstream
from records.projects import is_another
from services.gateway.auth.caller import Caller
from services.gateway.connections.responses import Existing, RepositoryResponse
from services.gateway.web.errors import InvalidRequestError

ENOUGH = 30  # finds, after which no further page is read
MOST_PAGES = 5  # read for one answer


async def find(
    repositories: Repositories, http: Upstream, credentials: Credentials, page: str, words: str, *, private: bool
) -> Page:
    """From this page on, those with all the words in name, description or language. Without words: the page.

    Words are looked for here, as GitHub's search has an allowance of its own, and a small one.
    """
    found: list[Repository] = []
    skipped: list[Unread] = []
    at: str | None = page
    for _ in range(MOST_PAGES):
        if at is None or len(found) >= (ENOUGH if words else 1):
            break
        try:
            one = await repositories.page(http, credentials, at, private=private)
        except ValueError:
            raise InvalidRequestError("Invalid `page`.") from None
        found += [it for it in one.repositories if _matches(it, words)]
        skipped += one.skipped
        at = one.next
    return Page(tuple(found), at, tuple(skipped))


async def with_imports(
    db: Database, caller: Caller, platform: str, repositories: Sequence[Repository]
) -> list[RepositoryResponse]:
    """Return each with the caller's project of it, if there is one, also where it has been renamed since."""
    ids, urls = [one.external_id for one in repositories], [one.url for one in repositories]
    by_id = {"platform": platform, "external_id": {"$in": ids}}
    mine = {"user_id": caller.user_id, "$or": [by_id, {"url": {"$in": urls}}]}
    fields = {"platform": 1, "external_id": 1, "url": 1, "slug": 1}
    projects = await db["projects"].find(mine, fields).to_list()
    return [
        RepositoryResponse(**asdict(one), imported=_imported(one, platform, projects, caller)) for one in repositories
    ]


def _imported(one: Repository, platform: str, projects: Sequence[Document], caller: Caller) -> Existing | None:
    for project in projects:
        same = (project.get("platform"), project.get("external_id")) == (platform, one.external_id)
        at_its_link = project.get("url") == one.url and not is_another(project, platform, one.external_id)
        if same or at_its_link:
            return Existing(project_id=str(project["_id"]), url=f"/{caller.username}/{project['slug']}")
    return None


def _matches(repository: Repository, words: str) -> bool:
    text = f"{repository.full_name} {repository.description} {repository.language or ''}".casefold()
    return all(word in text for word in words.casefold().split())
