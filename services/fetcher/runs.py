"""The syncs of sources as MongoDB keeps them: the run, what it hands on, and what its source has handed on by now.

Everything is derived from the run's id, so that each step may be repeated. The run is written after what it hands on,
and before anything is emitted: where it is there, nothing of it is missing.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from bson.binary import Binary
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document, refused
from records.imports import SYNC, State, pending
from records.projects import is_another
from records.sources.sync_runs import RunOutcome, child_import
from schemas.content import Item
from schemas.events import ContentFetched, SyncRequested, UpstreamStatus
from services.fetcher.changes import KnownItem, version

KEPT = timedelta(days=90)  # an import after its item was handed on anew, as the run that shows it


class Runs:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, run_id: UUID) -> Document | None:
        return await self._db.runs.find_one({"_id": run_id})

    async def seen(self, source_id: UUID) -> dict[str, KnownItem]:
        """What the source has handed on, by external id."""
        fields = {"external_id": 1, "url": 1, "title": 1, "version": 1, "state": 1, "import_id": 1, "_id": 0}
        found = self._db.source_items.find({"source_id": source_id}, fields)
        return {known.pop("external_id"): KnownItem(**known) async for known in found}

    async def deleted(self, user_id: str, platform: str, seen: Mapping[str, KnownItem]) -> frozenset[str]:
        """Of what was handed on, by external id, that whose project was made and is there no more under any link: its
        owner has deleted it. What failed is not among it."""
        missing = {external_id: known.url for external_id, known in seen.items() if known.import_id}
        by_id = {"platform": platform, "external_id": {"$in": [*missing]}}
        mine = {"user_id": user_id, "$or": [by_id, {"url": {"$in": [*missing.values()]}}]}
        there = await self._db.projects.find(mine, {"platform": 1, "external_id": 1, "url": 1}).to_list()
        ids = {one.get("external_id") for one in there if one.get("platform") == platform}
        at = {one.get("url"): one for one in there}
        made_by = {
            seen[external_id].import_id: external_id
            for external_id, url in missing.items()
            if external_id not in ids and (url not in at or is_another(at[url], platform, external_id))
        }
        made = self._db.imports.find({"_id": {"$in": [*made_by]}, "state": State.COMPLETED}, {"_id": 1})
        return frozenset([made_by[record["_id"]] async for record in made])

    async def record(
        self, run: Document, events: Sequence[ContentFetched], seen: Mapping[str, KnownItem] = MappingProxyType({})
    ) -> Document:
        """Store a finished run and what it hands on; the run that is stored, which another process may have made.

        The imports that handed on the same items before, as they were `seen`, are kept for a while. The last one of an
        item stays: it tells a project that was deleted from one that was never made."""
        if events:
            await self._outgoing(run, events)
            await self._imports(run, events)
            earlier = [seen[it.item.external_id].import_id for it in events if it.item.external_id in seen]
            await self._db.imports.update_many(
                {"_id": {"$in": earlier}, "priority": SYNC}, {"$set": {"expires_at": run["finished_at"] + KEPT}}
            )
        try:
            await self._db.runs.insert_one(run)
        except DuplicateKeyError:
            return await self.find(run["_id"]) or run
        return run

    async def handed_on(self, run: Document) -> list[ContentFetched]:
        """The same events whenever it is asked."""
        if run["outcome"] != RunOutcome.CHANGED:
            return []
        return await self.outgoing(run["_id"])

    async def outgoing(self, run_id: UUID) -> list[ContentFetched]:
        """What is stored to be handed on, also where the run itself is not, or not any more."""
        found = await self._db.outbox.find({"run_id": run_id}).sort("place", 1).to_list()
        return [ContentFetched.model_validate_json(zlib.decompress(one["body"])) for one in found]

    async def remember(self, run: Document, events: Sequence[ContentFetched]) -> None:
        """What the source has handed on by now, and how it stands. An older run changes nothing of a newer one's."""
        at, source_id = run["finished_at"], run["source_id"]
        states = [UpdateOne(*_standing(source_id, it, at)) for it in run["standings"]]
        items = [UpdateOne(*_known(source_id, event, at), upsert=True) for event in events]
        if writes := [*items, *states]:
            await refused(self._db.source_items.bulk_write(writes, ordered=False))  # refused: a newer one was there

    async def plan(self, run_id: UUID, following: Document) -> None:
        await self._db.runs.update_one({"_id": run_id, "next_reason": None}, {"$set": following})

    async def _outgoing(self, run: Document, events: Sequence[ContentFetched]) -> None:
        bodies = [Binary(zlib.compress(event.model_dump_json().encode())) for event in events]
        await self._db.outbox.bulk_write(
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

    async def _imports(self, run: Document, events: Sequence[ContentFetched]) -> None:
        """A record for each; where the member is importing the same link, that one keeps its place."""
        records = [_import(event, run) for event in events]
        failures = await refused(self._db.imports.insert_many(records, ordered=False))
        beside = [{**records[place], "active": False} for place in failures]
        if beside:
            writes = [UpdateOne({"_id": it.pop("_id")}, {"$setOnInsert": it}, upsert=True) for it in beside]
            await self._db.imports.bulk_write(writes, ordered=False)


def content_fetched(event: SyncRequested, item: Item) -> ContentFetched:
    """`url` is the item's own: a renamed repository goes by its new name."""
    return ContentFetched(
        id=event.child_id(ContentFetched, item.external_id),
        import_id=child_import(event.id, item.external_id),
        user_id=event.user_id,
        url=item.url,
        item=item,
        options=event.options,
    )


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
        # As old as what the sync went by: a project that its owner deleted meanwhile is not asked for.
        "created_at": run["started_at"],
    }


def _known(source_id: UUID, event: ContentFetched, at: Any) -> tuple[Document, Document]:
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


def _standing(source_id: UUID, standing: Document, at: Any) -> tuple[Document, Document]:
    told = UpstreamStatus.model_validate(standing)
    return {"source_id": source_id, "url": told.url, "at": {"$lte": at}}, {"$set": {"state": told.state, "at": at}}
