"""The events that a run emits, as MongoDB keeps them until they are sent (`outbox`), and the imports that they begin.

Everything is derived from the run's id, so each step may be repeated.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from bson.binary import Binary
from pymongo import ReplaceOne, UpdateOne

from kit.mongo import Database, Document, refused
from records.imports import SYNC, pending
from records.sources.items import KnownItem
from schemas.events import ContentFetched

KEPT = timedelta(days=90)  # an import whose item was emitted again; as long as the run that shows it


async def store_events(
    db: Database, run: Document, events: Sequence[ContentFetched], known: Mapping[str, KnownItem]
) -> None:
    """Store what a run emits. Imports that emitted the same items before are kept for a while. The latest import of an
    item stays: it tells a project that was deleted from one that was never made."""
    if not events:
        return
    await _store(db, run, events)
    await _begin_imports(db, run, events)
    earlier = [known[it.item.external_id].import_id for it in events if it.item.external_id in known]
    await db.imports.update_many(
        {"_id": {"$in": earlier}, "priority": SYNC}, {"$set": {"expires_at": run["finished_at"] + KEPT}}
    )


async def stored_events(db: Database, run_id: UUID) -> list[ContentFetched]:
    """Return the events of a run in order, also if the run itself was never stored or is gone."""
    found = await db.outbox.find({"run_id": run_id}).sort("place", 1).to_list()
    return [ContentFetched.model_validate_json(zlib.decompress(it["body"])) for it in found]


async def _store(db: Database, run: Document, events: Sequence[ContentFetched]) -> None:
    bodies = [Binary(zlib.compress(event.model_dump_json().encode())) for event in events]
    await db.outbox.bulk_write(
        [
            ReplaceOne(
                {"_id": event.id},
                {"run_id": run["_id"], "place": place, "body": body, "at": run["finished_at"]},
                upsert=True,
            )
            for place, (event, body) in enumerate(zip(events, bodies, strict=True))
        ],
        ordered=False,
    )


async def _begin_imports(db: Database, run: Document, events: Sequence[ContentFetched]) -> None:
    """Store a record for each. If the member is importing the same link, that import stays the active one."""
    records = [_import(event, run) for event in events]
    failures = await refused(db.imports.insert_many(records, ordered=False))
    beside = [{**records[place], "active": False} for place in failures]
    if beside:
        writes = [UpdateOne({"_id": it.pop("_id")}, {"$setOnInsert": it}, upsert=True) for it in beside]
        await db.imports.bulk_write(writes, ordered=False)


def _import(event: ContentFetched, run: Document) -> Document:
    return {
        **pending(
            task_id=event.import_id,
            user_id=event.user_id,
            url=event.url,
            integration=event.item.integration,
            options=event.options,
            released=True,
            priority=SYNC,
            now=run["finished_at"],
        ),
        "published": True,
        # As old as the sync's first read: a project that its owner deleted meanwhile is not asked for.
        "created_at": run["started_at"],
    }
