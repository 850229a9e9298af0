"""What GitHub answers about one repository, read at once for an import and conditionally for a sync."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from integrations.base import SyncResult, SyncState
from integrations.coerce import as_dict, as_line, as_list
from integrations.github.client import HTML, RAW, GitHubClient
from kit.errors import ContentNotFoundError, UpstreamUnavailableError
from kit.http import Response
from kit.text.document import MAX_TEXT_BYTES
from kit.text.formats import format_of, is_rendered_upstream
from schemas.content import Item
from schemas.events import UpstreamStatus

MISSING = frozenset({404, 409})  # of a README, or of anything in a repository without commits
UNRENDERED = MISSING | {406, 413, 415, 422}  # of its HTML

ToItem = Callable[["Answers"], Awaitable[Item]]


@dataclass(frozen=True, slots=True)
class Answers:
    repo: Response
    readme: Response | None  # None: not asked for, there is none
    languages: Response
    raw: bytes | None = None  # a README that is too big to come within JSON
    html: bytes | None = None  # as GitHub renders a README in a markup that we do not

    @property
    def etags(self) -> list[str]:
        return [answer.headers.get("etag", "") if answer else "" for answer in (self.repo, self.readme, self.languages)]

    @property
    def file(self) -> dict[str, Any]:
        """The README's; empty where there is none."""
        return _body(self.readme)

    @property
    def shares(self) -> dict[str, Any]:
        return _body(self.languages)

    @property
    def is_whole(self) -> bool:
        return self.html is not None or not _is_rendered(self.readme)


async def read(api: GitHubClient, path: str) -> Answers:
    """Three requests at once. A renamed repository answers under its number, and with its new name."""
    repo, readme, languages = await _together(api.get(path), _readme(api, path), _languages(api, path))
    return await _whole(api, path, Answers(repo, readme, languages))


async def sync_repository(api: GitHubClient, path: str, state: SyncState, to_item: ToItem) -> SyncResult:
    """As `read`, unless the validators are those of the last sync. Its commits are counted where it was pushed to."""
    cursor = state.cursor
    path, repo = await _same(api, path, cursor.get("repo_id"))
    mine = cursor.get("connected") == api.connected  # what another credential was shown says nothing about this one
    before = cursor["etags"] if mine else [None, None, None]
    if repo.headers.get("etag") == before[0] and not before[1]:
        readme, languages = None, await _languages(api, path)  # without a push there is still no README
    else:
        readme, languages = await _together(_readme(api, path), _languages(api, path))
    answers = Answers(repo, readme, languages)
    if answers.etags == before and before[0]:
        return SyncResult(standings=(UpstreamStatus(url=cursor["url"], state=cursor["state"]),), cursor=cursor)
    answers = await _whole(api, path, answers)
    item = await to_item(answers)
    pushed_at = item.metadata.get("pushed_at")
    return SyncResult(
        items=(item,),
        url=item.url,
        display_name=item.full_name,
        metadata={
            "repo_full_name": item.full_name,
            "is_fork": item.metadata.get("fork"),
            "is_archived": item.metadata.get("archived"),
            **(await _commits(api, path) if pushed_at is None or pushed_at != cursor.get("pushed_at") else {}),
        },
        cursor={
            "etags": answers.etags if answers.is_whole else ["", "", ""],
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


async def _same(api: GitHubClient, path: str, repo_id: int | None) -> tuple[str, Response]:
    """The repository that stood there at the last sync: it may have moved, and another one may have its name."""
    repo = await api.get(path)
    if repo_id is not None and as_dict(repo.json()).get("id") != repo_id:
        numbered = f"/repositories/{repo_id}"
        try:
            return numbered, await api.get(numbered)
        except ContentNotFoundError:  # deleted, and made anew
            pass
    return path, repo


async def _readme(api: GitHubClient, path: str) -> Response:
    return await api.get(f"{path}/readme", also=MISSING)


async def _languages(api: GitHubClient, path: str) -> Response:
    return await api.get(f"{path}/languages", also=MISSING)


async def _whole(api: GitHubClient, path: str, answers: Answers) -> Answers:
    """With what of the README takes another request."""
    raw = html = None
    if answers.file.get("encoding") == "none" and answers.file.get("size"):
        raw = (await api.get(f"{path}/readme", accept=RAW, cut_at=MAX_TEXT_BYTES)).body
    if _is_rendered(answers.readme):
        html = await _rendered(api, path)
    return replace(answers, raw=raw, html=html)


def _is_rendered(readme: Response | None) -> bool:
    file = _body(readme)
    return bool(file.get("size")) and is_rendered_upstream(format_of(as_line(file.get("path"))))


async def _rendered(api: GitHubClient, path: str) -> bytes | None:
    """Empty where GitHub has none, and it is shown as it is written. None where GitHub did not manage: then it is asked
    for again at the next sync."""
    try:
        answer = await api.get(f"{path}/readme", accept=HTML, cut_at=MAX_TEXT_BYTES, also=UNRENDERED)
    except UpstreamUnavailableError:
        return None
    return answer.body if answer.status == 200 else b""


async def _commits(api: GitHubClient, path: str) -> Mapping[str, Any]:
    """One request: a page of one commit, whose number of pages is that of the commits."""
    answer = await api.get(f"{path}/commits?per_page=1", also=MISSING)
    if answer.status != 200:
        return {"total_commits": 0, "last_commit_date": None}
    listed = as_list(answer.json())
    commit = as_dict(as_dict(listed[0]).get("commit")) if listed else {}
    last = re.search(r'[?&]page=(\d{1,12})[^>]*>; rel="last"', answer.headers.get("link", ""))
    return {
        "total_commits": int(last[1]) if last else len(listed),
        "last_commit_date": as_line(as_dict(commit.get("committer")).get("date"), 40) or None,
    }
