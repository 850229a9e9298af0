"""Projects in MongoDB, written many at a time.

A project's id is derived from its owner and link, so that however often and by whomever it is written, it is one. One
that was renamed keeps the id of its first link; where that is, is looked up.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from pymongo import UpdateOne

from kit.batch import Batcher
from kit.deletions import Place, deleted
from kit.errors import BusyError, ContentNotFoundError
from kit.mongo import DUPLICATE_KEY, Database, Document, WriteRefusedError, refused
from kit.projects import project_id
from schemas.events import ProjectDrafted, SourceSynced
from services.writer.refresh import SLUG_TRIES, born, refresh, seen_at, stand

TRIES = SLUG_TRIES + 3  # beside slugs that are taken: it is there already, elsewhere, or going there right now
# What a write is judged by: what was decided when the project was made, and where it is.
KEPT = {"slug": 1, "created_by": 1, "url": 1, "former_links": 1, "seen_at": 1}


@dataclass(frozen=True)
class Saved:
    id: UUID
    slug: str
    created: bool  # by this import, whichever of its deliveries made it


@dataclass(slots=True)
class Write:
    """One event on its way into the store."""

    event: ProjectDrafted
    identity: UUID
    asked_at: datetime  # what was deleted since then is not made again
    there: bool = False  # so that it is refreshed; else it is made
    slugs_taken: int = 0
    lost: bool = False  # its project is not where its link says: it was, or is now, renamed
    placed: bool = False
    result: Saved | Exception | None = None

    @property
    def place(self) -> Place:
        return Place(self.identity, self.event.user_id, self.event.url)

    @property
    def record(self) -> Document:
        return born(self.event, self.identity, self.slugs_taken)

    @property
    def update(self) -> UpdateOne:
        return UpdateOne({"_id": self.identity}, refresh(self.event))

    def settle(self, stored: Document) -> None:
        """By what is stored now: this event's doing, or what it came too late for."""
        if self._is_its_own(stored):
            created = stored["created_by"] == self.event.import_id
            self.result = Saved(stored["_id"], stored["slug"], created)
        else:
            self.lost = True

    def _is_its_own(self, stored: Document) -> bool:
        url, seen = self.event.url, seen_at(self.event.project)
        if stored["url"] == url:
            return True
        if any(former["url"] == url and seen <= former["until"] for former in stored.get("former_links", ())):
            return True
        return self.placed and stored.get("seen_at") is not None and bool(seen <= stored["seen_at"])


@dataclass(frozen=True, slots=True)
class Draft:
    """`asked_at` is when the member asked for the import; None where others did, and only its sight tells its age."""

    event: ProjectDrafted
    asked_at: datetime | None


def write_of(draft: Draft) -> Write:
    event = draft.event
    identity = project_id(event.user_id, event.url)
    asked_at = draft.asked_at or seen_at(event.project)
    return Write(event, identity, asked_at, lost=event.project.formerly is not None)


class ProjectStore:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._projects = db.projects
        self._save: Batcher[Draft, Saved] = Batcher(self._save_many)

    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None) -> Saved:
        """Raises ContentNotFoundError where the project was deleted after it was asked for."""
        return await self._save(Draft(event, asked_at))

    async def stand(self, event: SourceSynced) -> None:
        """How the originals of a source's projects stand. An older look never overwrites a newer one."""
        updates = [UpdateOne(*stand(event, standing)) for standing in event.standings]
        if updates:
            await self._projects.bulk_write(updates, ordered=False)

    async def _save_many(self, drafts: list[Draft]) -> list[Saved | Exception]:
        """One insert for all, as most are new; again for the few whose slug or link was taken, and an update and a
        read for those that are there."""
        writes = [write_of(draft) for draft in drafts]
        for _ in range(TRIES):
            waiting = [write for write in writes if write.result is None]
            if not waiting:
                break
            for write in waiting:
                if write.lost:
                    write.identity, write.there = await self._place(write.event)
                    write.lost, write.placed = False, True
            there = [write for write in waiting if write.there]
            await self._make([write for write in waiting if not write.there])
            await self._refresh(there)
        return [write.result or BusyError("No address was free for this project.") for write in writes]

    async def _make(self, writes: list[Write]) -> None:
        """But for what was deleted meanwhile; looked for again afterwards, as its owner may delete it at any moment."""
        if not writes:
            return
        await self._refuse_deleted(writes)
        await self._insert(made := [write for write in writes if write.result is None])
        await self._refuse_deleted(made := [write for write in made if isinstance(write.result, Saved)])
        if back := [write for write in made if not isinstance(write.result, Saved)]:
            mine = [{"_id": write.identity, "created_by": write.event.import_id} for write in back]
            await self._projects.delete_many({"$or": mine})

    async def _refuse_deleted(self, writes: list[Write]) -> None:
        times = await deleted(self._db, (write.place for write in writes))
        for write in writes:
            if (at := times.get(write.place)) is not None and write.asked_at < at:
                write.result = ContentNotFoundError(
                    "You deleted this project while it was on its way.",
                    action="retry",
                    suggestion="Import the link again if you want it back.",
                )

    async def _insert(self, writes: list[Write]) -> None:
        if not writes:
            return
        records = [write.record for write in writes]
        failures = await refused(self._projects.insert_many(records, ordered=False))
        for position, (write, record) in enumerate(zip(writes, records, strict=True)):
            if (failure := failures.get(position)) is None:
                write.result = Saved(write.identity, record["slug"], created=True)
            elif failure["code"] != DUPLICATE_KEY:
                write.result = WriteRefusedError(str(failure.get("errmsg", ""))[:200])
            elif "_id" in (taken := failure.get("keyPattern", {})):
                write.there = True
            elif "url" in taken:
                write.lost = True
            else:
                write.slugs_taken += 1

    async def _refresh(self, writes: list[Write]) -> None:
        if not writes:
            return
        failures = await refused(self._projects.bulk_write([write.update for write in writes], ordered=False))
        for position, failure in failures.items():
            if failure["code"] == DUPLICATE_KEY:  # another has the link that it was to move to
                writes[position].lost = True
            else:
                writes[position].result = WriteRefusedError(str(failure.get("errmsg", ""))[:200])
        await self._read_back([write for position, write in enumerate(writes) if position not in failures])

    async def _read_back(self, writes: list[Write]) -> None:
        if not writes:
            return
        ids = [write.identity for write in writes]
        found = {one["_id"]: one async for one in self._projects.find({"_id": {"$in": ids}}, KEPT)}
        for write in writes:
            if (stored := found.get(write.identity)) is None:  # deleted this very moment
                write.result = BusyError("The project was deleted while it was being saved.")
            else:
                write.settle(stored)

    async def _place(self, event: ProjectDrafted) -> tuple[UUID, bool]:
        """The id of the project that has this link, is to move there, or had it when this was seen, and True; else a
        free one, and False."""
        project, mine = event.project, {"user_id": event.user_id}
        links = [event.url, *([project.formerly] if project.formerly else [])]
        with_a_link = self._projects.find(mine | {"url": {"$in": links}}, KEPT)
        at = {one["url"]: one["_id"] async for one in with_a_link}
        for link in links:
            if link in at:
                return at[link], True
        past = {"former_links": {"$elemMatch": {"url": event.url, "until": {"$gte": seen_at(project)}}}}
        if passed := await self._projects.find_one(mine | past, KEPT):
            return passed["_id"], True
        # As if it had been made before it was renamed: an older sight that is still to come finds it there.
        identity = project_id(event.user_id, links[-1])
        while await self._projects.count_documents({"_id": identity}, limit=1):
            identity = uuid5(identity, event.url)
        return identity, False
