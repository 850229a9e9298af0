"""A member's own repositories at GitHub, marked with what became of them here."""

from collections.abc import Sequence
from dataclasses import asdict

from integrations.base import Credentials
from integrations.github_repos import Page, Repositories, Repository
from kit.mongo import Database
from services.gateway.connection_answers import Existing, RepositoryAnswer
from services.gateway.errors import InvalidRequestError
from services.gateway.identity import Caller

ENOUGH = 30  # finds, after which no further page is read
MOST_PAGES = 5  # read for one answer


async def find(repositories: Repositories, credentials: Credentials, page: str, words: str, *, private: bool) -> Page:
    """From this page on, those with all the words in name, description or language. Without words: the page.

    Words are looked for here, as GitHub's search has an allowance of its own, and a small one.
    """
    found: list[Repository] = []
    at: str | None = page
    for _ in range(MOST_PAGES):
        if at is None or len(found) >= (ENOUGH if words else 1):
            break
        try:
            one = await repositories.page(credentials, at, private=private)
        except ValueError:
            raise InvalidRequestError("Invalid `page`.") from None
        found += [it for it in one.repositories if _matches(it, words)]
        at = one.next
    return Page(tuple(found), at)


async def marked(db: Database, caller: Caller, repositories: Sequence[Repository]) -> list[RepositoryAnswer]:
    """Each with the caller's project of it, if there is one."""
    urls = [one.url for one in repositories]
    mine = {"user_id": caller.user_id, "url": {"$in": urls}}
    projects = {
        one["url"]: Existing(project_id=str(one["_id"]), url=f"/{caller.username}/{one['slug']}")
        async for one in db["projects"].find(mine, {"url": 1, "slug": 1})
    }
    return [RepositoryAnswer(**asdict(one), imported=projects.get(one.url)) for one in repositories]


def _matches(repository: Repository, words: str) -> bool:
    text = f"{repository.full_name} {repository.description} {repository.language or ''}".casefold()
    return all(word in text for word in words.casefold().split())
