"""What a source has emitted (`source_items`): one record for each item, by its external id."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pymongo import UpdateOne

from kit.mongo import Database, Document, refused
from records.imports import State
from records.projects import is_another
from schemas.content import Item
from schemas.events import ContentFetched, UpstreamStatus


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as it was emitted last; `state` is its status at the latest sync."""

    url: str
    title: str
    version: str
    state: str
    import_id: UUID | None = None  # the import that emitted it


def version(item: Item) -> str:
    """Return a digest of everything that an item says, except when it was read and its former link."""
    return hashlib.sha256(item.model_dump_json(exclude={"seen_at", "formerly"}).encode()).hexdigest()[:32]


async def known_items(db: Database, source_id: UUID) -> dict[str, KnownItem]:
    """Return the items of a source by external id."""
    fields = {"external_id": 1, "url": 1, "title": 1, "version": 1, "state": 1, "import_id": 1, "_id": 0}
    found = db.source_items.find({"source_id": source_id}, fields)
    return {known.pop("external_id"): KnownItem(**known) async for known in found}


async def deleted_items(
    db: Database, user_id: str, platform: str, items: Iterable[Item], known: Mapping[str, KnownItem]
) -> frozenset[str]:
    """Return the external ids of the items whose projects were made and are gone under every link: their owner deleted
    them. An item whose import failed is not among them."""
    missing = {it.external_id: known[it.external_id] for it in items if it.external_id in known}
    missing = {external_id: it for external_id, it in missing.items() if it.import_id}
    if not missing:
        return frozenset()
    by_id = {"platform": platform, "external_id": {"$in": [*missing]}}
    mine = {"user_id": user_id, "$or": [by_id, {"url": {"$in": [it.url for it in missing.values()]}}]}
    projects = await db.projects.find(mine, {"platform": 1, "external_id": 1, "url": 1}).to_list()
    ids = {project.get("external_id") for project in projects if project.get("platform") == platform}
    by_url = {project.get("url"): project for project in projects}
    made_by = {
        it.import_id: external_id
        for external_id, it in missing.items()
        if external_id not in ids and (it.url not in by_url or is_another(by_url[it.url], platform, external_id))
    }
    made = db.imports.find({"_id": {"$in": [*made_by]}, "state": State.COMPLETED}, {"_id": 1})
    return frozenset([made_by[record["_id"]] async for record in made])


async def remember_items(db: Database, run: Document, events: Sequence[ContentFetched]) -> None:
    """Store what a run emitted, and the statuses that it found. An older run never overwrites a newer one."""
    at, source_id = run["finished_at"], run["source_id"]
    writes = [UpdateOne(*_emitted(source_id, event, at), upsert=True) for event in events]
    writes += [UpdateOne(*_status(source_id, UpstreamStatus.model_validate(it), at)) for it in run["standings"]]
    if writes:
        await refused(db.source_items.bulk_write(writes, ordered=False))  # refused: a newer one was there


def _emitted(source_id: UUID, event: ContentFetched, at: datetime) -> tuple[Document, Document]:
    item = event.item
    changes = {
        "source_id": source_id,
        "external_id": item.external_id,
        "url": item.url,
        "title": item.title,
        "version": version(item),
        "import_id": event.import_id,
        "state": "private" if item.is_private else "there",
        "at": at,
    }
    return {"_id": f"{source_id}/{item.external_id}", "at": {"$lte": at}}, {"$set": changes}


def _status(source_id: UUID, status: UpstreamStatus, at: datetime) -> tuple[Document, Document]:
    return {"source_id": source_id, "url": status.url, "at": {"$lte": at}}, {"$set": {"state": status.state, "at": at}}
