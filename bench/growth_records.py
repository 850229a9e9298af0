"""Records of a system that has grown, written straight into MongoDB: so many projects, imports and sources.

Everybody has ten of each. One member, `prolific`, has a twentieth of all projects, at most 50,000, all of them renamed
once; another, `hidden`, has as many that nobody else sees, and they are the newest of all. A tenth of the imports, at
most 100,000, is under way: half of those held, `busy` having 5,000 of them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pymongo import WriteConcern

from integrations.youtube.urls import channel_url
from kit.mongo import Database, Document
from records.imports import BULK, SYNC, State, pending
from records.projects import facets
from records.sources.record import Frequency, Identity, Reason, new_source
from schemas.content import Content, Project
from schemas.events import Options

NAMES = UUID(int=0)
NOW = datetime.now(UTC).replace(microsecond=0)
CHUNK = 2_000
MOST_OF_ONE = 50_000
MOST_UNDER_WAY = 100_000


def share(size: int) -> int:
    return min(size // 20, MOST_OF_ONE)


def under_way(size: int) -> int:
    return min(size // 10, MOST_UNDER_WAY)


async def fill(db: Database, size: int) -> None:
    """Not durable, as it is thrown away."""
    written = (projects(size), points(size), imports(size), sources(size))
    for name, records in zip(("projects", "points", "imports", "sources"), written, strict=True):
        collection = db[name].with_options(write_concern=WriteConcern(w=1, j=False))
        chunk: list[Document] = []
        for record in records:
            chunk.append(record)
            if len(chunk) == CHUNK:
                await collection.insert_many(chunk, ordered=False)
                chunk = []
        if chunk:
            await collection.insert_many(chunk, ordered=False)


def owner(number: int) -> str:
    return f"member-{number // 10}"


def project(user_id: str, number: int, kind: str, *, shown: bool = True, renamed: bool = False) -> Document:
    """Every second one is a repository in Rust, the others are videos about Python."""
    repository = number % 2 == 0
    drafted = Project(
        type="github_repo" if repository else "video", title=f"Project {number}", description="It counts acorns.",
        external_url=f"https://example.org/{kind}/{number}", is_showcase=True, is_private=not shown,
        content=Content(), technologies=("Rust", "Linux") if repository else ("Python", "Teaching"),
        project_type="tool" if repository else "video", analysis_source="extractive",
        platform="github" if repository else "youtube",
    )  # fmt: skip
    at = NOW - timedelta(seconds=number + (0 if kind == "hidden" else 10_000_000))
    former = [{"url": f"https://example.org/before/{kind}/{number}", "until": at}]
    return {
        **drafted.model_dump(mode="json"),
        "_id": uuid5(NAMES, f"{kind} {number}"),
        "user_id": user_id,
        "url": drafted.external_url,
        "external_id": f"{kind}-{number}",
        "slug": f"{kind}-{number}",
        "facets": facets(drafted),
        "shown": shown,
        "source_state": "there",
        "source_private": False,
        "created_at": at,
        "updated_at": at,
        "seen_at": at,
        **({"former_links": former} if renamed else {}),
    }


def projects(size: int) -> Iterator[Document]:
    yield from (project(owner(number), number, "of-all") for number in range(size))
    for number in range(share(size)):
        yield project("prolific", number, "of-one", renamed=True)
        yield project("hidden", number, "hidden", shown=False)


def points(size: int) -> Iterator[Document]:
    def entry(user_id: str, number: int, kind: str) -> Document:
        project_id, at = uuid5(NAMES, f"{kind} {number}"), NOW - timedelta(days=1, seconds=number)
        facts = {"project_id": project_id, "points": 50, "reason": "project_create", "awarded_at": at}
        return {"_id": uuid5(project_id, "points"), "user_id": user_id, **facts}

    yield from (entry(owner(number), number, "of-all") for number in range(size))
    yield from (entry("prolific", number, "of-one") for number in range(share(size)))


def imports(size: int) -> Iterator[Document]:
    running = under_way(size)
    for number in range(size):
        if number >= running:
            yield one_import(owner(number), number, state=State.COMPLETED, active=False, progress=6)
            continue
        waits, user_id = number % 2 == 0, "busy" if number < 10_000 else owner(number)
        yield one_import(user_id, number, released=not waits, published=not waits, priority=BULK if waits else SYNC)


def one_import(user_id: str, number: int, *, released: bool = True, **changes: Any) -> Document:
    made = pending(
        task_id=uuid5(NAMES, f"import {number}"), user_id=user_id, url=f"https://example.org/import/{number}",
        integration="github", options=Options(), released=released, now=NOW - timedelta(seconds=number % 300),
    )  # fmt: skip
    return made | {"updated_at": NOW, "watch_at": NOW + timedelta(hours=1)} | changes


def sources(size: int) -> Iterator[Document]:
    for number in range(size):
        at = NOW - timedelta(days=2, seconds=number)
        channel = f"UC{number // 10:022d}"  # ten follow each
        source = new_source(
            Identity(f"member-{number}", "youtube", channel_url(channel)), display_name="A channel",
            frequency=Frequency.DAILY, options=Options(), now=at, identifier=channel,
        )  # fmt: skip
        due = NOW + timedelta(hours=1 + number % 20)
        yield source | {"next_sync_at": due, "emit_at": due, "next_reason": Reason.INTERVAL}
