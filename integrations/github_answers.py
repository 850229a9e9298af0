"""What GitHub answers about one repository, read at once for an import and conditionally for a look."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.base import Known, Looked
from integrations.clean import as_dict, as_line, as_list
from integrations.github_api import JSON, RAW, GitHubAPI
from kit.errors import ContentNotFoundError
from kit.http import Response
from schemas.content import Item
from schemas.events import Standing

MAX_README_BYTES = 1024 * 1024
THREAD_FROM_BYTES = 64 * 1024  # a README beyond this is rendered beside the event loop
MISSING = frozenset({404, 409})  # of a README, or of anything in a repository without commits

ToItem = Callable[[Any, Any, Any, bytes | None], Item]


@dataclass(frozen=True, slots=True)
class Answers:
    repo: Response
    readme: Response | None  # None: not asked for, there is none
    languages: Response
    raw: bytes | None  # a README that is too big to come within JSON

    @property
    def etags(self) -> list[str]:
        return [answer.headers.get("etag", "") if answer else "" for answer in (self.repo, self.readme, self.languages)]

    async def item(self, to_item: ToItem) -> Item:
        arguments = self.repo.json(), _body(self.readme), _body(self.languages), self.raw
        big = len(self.raw or (self.readme.body if self.readme else b"")) > THREAD_FROM_BYTES
        return await asyncio.to_thread(to_item, *arguments) if big else to_item(*arguments)


async def read(api: GitHubAPI, path: str) -> Answers:
    """Three requests at once. A renamed repository answers under its number, and with its new name."""
    repo, readme, languages = await _together(api.get(path), _readme(api, path), _languages(api, path))
    return Answers(repo, readme, languages, await _raw(api, path, readme))


async def look(api: GitHubAPI, path: str, known: Known, to_item: ToItem) -> Looked:
    """As `read`, unless the validators are those of the last look. Its commits are counted where it was pushed to."""
    memory = known.memory
    path, repo = await _same(api, path, memory.get("repo_id"))
    mine = memory.get("connected") == api.connected  # what another credential was shown says nothing about this one
    before = memory["etags"] if mine else [None, None, None]
    if repo.headers.get("etag") == before[0] and not before[1]:
        readme, languages = None, await _languages(api, path)  # without a push there is still no README
    else:
        readme, languages = await _together(_readme(api, path), _languages(api, path))
    answers = Answers(repo, readme, languages, None)
    if answers.etags == before and before[0]:
        return Looked(standings=(Standing(url=memory["url"], state=memory["state"]),), memory=memory)
    answers = Answers(repo, readme, languages, await _raw(api, path, readme))
    item = await answers.item(to_item)
    pushed_at = item.metadata.get("pushed_at")
    return Looked(
        items=(item,),
        url=item.url,
        display_name=item.full_name,
        metadata={
            "repo_full_name": item.full_name,
            "is_fork": item.metadata.get("fork"),
            "is_archived": item.metadata.get("archived"),
            **(await _commits(api, path) if pushed_at is None or pushed_at != memory.get("pushed_at") else {}),
        },
        memory={
            "etags": answers.etags,
            "connected": api.connected,
            "repo_id": item.metadata.get("repo_id"),
            "pushed_at": pushed_at,
            "url": item.url,
            "state": "private" if item.is_private else "there",
        },
    )


def _body(answer: Response | None) -> dict[str, Any]:
    return as_dict(answer.json()) if answer and answer.status == 200 else {}


async def _together(*requests: Coroutine[Any, Any, Response]) -> list[Response]:
    """All at once; raises the first error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _same(api: GitHubAPI, path: str, repo_id: int | None) -> tuple[str, Response]:
    """The repository that stood there at the last look: it may have moved, and another one may have its name."""
    repo = await api.get(path)
    if repo_id is not None and as_dict(repo.json()).get("id") != repo_id:
        numbered = f"/repositories/{repo_id}"
        try:
            return numbered, await api.get(numbered)
        except ContentNotFoundError:  # deleted, and made anew
            pass
    return path, repo


async def _readme(api: GitHubAPI, path: str) -> Response:
    return await api.get(f"{path}/readme", also=MISSING)


async def _languages(api: GitHubAPI, path: str) -> Response:
    return await api.get(f"{path}/languages", also=MISSING)


async def _raw(api: GitHubAPI, path: str, readme: Response | None) -> bytes | None:
    file = _body(readme)
    if file.get("encoding") == "none" and file.get("size"):
        return (await api.get(f"{path}/readme", RAW, cut_at=MAX_README_BYTES)).body
    return None


async def _commits(api: GitHubAPI, path: str) -> Mapping[str, Any]:
    """One request: a page of one commit, whose number of pages is that of the commits."""
    answer = await api.get(f"{path}/commits?per_page=1", JSON, also=MISSING)
    if answer.status != 200:
        return {"total_commits": 0, "last_commit_date": None}
    listed = as_list(answer.json())
    commit = as_dict(as_dict(listed[0]).get("commit")) if listed else {}
    last = re.search(r'[?&]page=(\d{1,12})[^>]*>; rel="last"', answer.headers.get("link", ""))
    return {
        "total_commits": int(last[1]) if last else len(listed),
        "last_commit_date": as_line(as_dict(commit.get("committer")).get("date"), 40) or None,
    }
