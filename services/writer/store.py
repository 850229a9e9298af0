"""Projects in MongoDB, written many at a time.

A project's id is derived from its owner and from what it is upstream, so that however often, by whichever link and by
whomever it is written, it is one. What a write does that met another record is in `places`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pymongo import UpdateOne

from kit.errors import BusyError, ContentNotFoundError
from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Database, Document, WriteRefusedError, refused
from records import deletions
from records.projects import is_another, upstream_identity
from schemas.events import ProjectDrafted, SourceSynced
from services.writer.places import Place, Places, first_place
from services.writer.refresh import SLUG_TRIES, born, refresh, seen_at, stand

TRIES = SLUG_TRIES + 3  # beside slugs that are taken: it is there already, elsewhere, or going there right now
# What a write is judged by: what was decided when the project was made, what it is, and where.
KEPT = dict.fromkeys(("slug", "created_by", "platform", "external_id", "url", "former_links", "seen_at"), 1)


@dataclass(frozen=True)
class Saved:
    id: UUID
    slug: str
    created: bool  # by this import, whichever of its deliveries made it


@dataclass(slots=True)
class Write:
    """One event on its way into the store."""

    event: ProjectDrafted
    place: Place
    asked_at: datetime  # what was deleted since then is not made again
    slugs_taken: int = 0
    lost: bool = False  # its project is not where it should be, or another thing is there
    placed: bool = False
    result: Saved | Exception | None = None

    @property
    def where(self) -> deletions.Place:
        project = self.event.project
        return deletions.Place(
            self.place.identity, self.event.user_id, self.event.url, project.platform, project.external_id
        )

    @property
    def record(self) -> Document:
        return born(self.event, self.place.identity, self.slugs_taken, at_its_link=self.place.at_its_link)

    @property
    def update(self) -> UpdateOne:
        return UpdateOne({"_id": self.place.identity}, refresh(self.event, at_its_link=self.place.at_its_link))

    def settle(self, stored: Document) -> None:
        """By what is stored now: this event's doing, or what it came too late for."""
        if self._is_its_own(stored):
            created = stored["created_by"] == self.event.import_id
            self.result = Saved(stored["_id"], stored["slug"], created)
        else:
            self.lost = True

    def _is_its_own(self, stored: Document) -> bool:
        project, url, seen = self.event.project, self.event.url, seen_at(self.event.project)
        if (identity := upstream_identity(project)) and identity.items() <= stored.items():
            return True
        if is_another(stored, project.platform, project.external_id):
            return False
        if stored.get("url") == url:
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
    asked_at = draft.asked_at or seen_at(event.project)
    return Write(event, first_place(event), asked_at, lost=event.project.formerly is not None)


class ProjectStore:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._projects = db.projects
        self._places = Places(db.projects)
        self._save: MicroBatcher[Draft, Saved] = MicroBatcher(self._save_many)

    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None) -> Saved:
        """Raises ContentNotFoundError where the project was deleted after it was asked for."""
        return await self._save(Draft(event, asked_at))

    async def stand(self, event: SourceSynced) -> None:
        """How the originals of a source's projects stand. An older sync never overwrites a newer one."""
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
                    write.place = await self._places.find(write.event)
                    write.lost, write.placed = False, True
            there = [write for write in waiting if write.place.there]
            await self._make([write for write in waiting if not write.place.there])
            await self._refresh(there)
        return [write.result or BusyError("No free slug for this project.") for write in writes]

    async def _make(self, writes: list[Write]) -> None:
        """But for what was deleted meanwhile; looked for again afterwards, as its owner may delete it at any moment."""
        if not writes:
            return
        await self._refuse_deleted(writes)
        await self._insert(made := [write for write in writes if write.result is None])
        await self._refuse_deleted(made := [write for write in made if isinstance(write.result, Saved)])
        if back := [write for write in made if not isinstance(write.result, Saved)]:
            mine = [{"_id": write.place.identity, "created_by": write.event.import_id} for write in back]
            await self._projects.delete_many({"$or": mine})

    async def _refuse_deleted(self, writes: list[Write]) -> None:
        times = await deletions.deleted(self._db, (write.where for write in writes))
        for write in writes:
            if (at := times.get(write.where)) is not None and write.asked_at < at:
                write.result = ContentNotFoundError(
                    "You deleted this project while it was being imported.",
                    action="retry",
                    suggestion="Import the link again to get the project back.",
                )

    async def _insert(self, writes: list[Write]) -> None:
        if not writes:
            return
        records = [write.record for write in writes]
        failures = await refused(self._projects.insert_many(records, ordered=False))
        for position, (write, record) in enumerate(zip(writes, records, strict=True)):
            if (failure := failures.get(position)) is None:
                write.result = Saved(write.place.identity, record["slug"], created=True)
            elif failure["code"] != DUPLICATE_KEY:
                write.result = WriteRefusedError(str(failure.get("errmsg", ""))[:200])
            elif "_id" in (taken := failure.get("keyPattern", {})):
                write.place = replace(write.place, there=True)
            elif "slug" in taken:
                write.slugs_taken += 1
            else:
                write.lost = True

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
        ids = [write.place.identity for write in writes]
        found = {one["_id"]: one async for one in self._projects.find({"_id": {"$in": ids}}, KEPT)}
        for write in writes:
            if (stored := found.get(write.place.identity)) is None:  # deleted this very moment
                write.result = BusyError("The project was deleted while it was being saved.")
            else:
                write.settle(stored)
