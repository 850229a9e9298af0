"""Stores projects, many at a time.

A project's id is derived from its owner and from what it is upstream, so that a project that is written again, by any
link, stays one. Each write is in one step at a time: INSERT for a project that is thought to be new, UPDATE for one
that exists, LOCATE where the write met another record and has to look for its own (`places`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from kit.errors import BusyError, ContentNotFoundError
from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Database, Document, write_error
from records import deletions, project_store
from records.project_updates import SLUG_TRIES, new_project, refresh, seen_at
from records.projects import ProjectRecord, is_another, upstream_identity
from schemas.events import ProjectDrafted, SourceSynced
from services.writer.places import Place, Places, first_place

TRIES = SLUG_TRIES + 3  # beside slugs that are taken: it exists already, is elsewhere, or is being written right now

Draft = tuple[ProjectDrafted, datetime | None]


@dataclass(frozen=True)
class Saved:
    id: UUID
    slug: str
    created: bool  # by this import, whichever of its deliveries made it


class Step(Enum):
    """What a write does next."""

    LOCATE = auto()
    INSERT = auto()
    UPDATE = auto()


@dataclass(slots=True)
class Write:
    """One event on its way into the store. It is over once it has a `result`."""

    event: ProjectDrafted
    place: Place
    asked_at: datetime  # a project that was deleted later is not made again
    step: Step
    slugs_taken: int = 0
    located: bool = False  # `place` was looked up, and is not the derived one
    result: Saved | Exception | None = None

    @classmethod
    def of(cls, event: ProjectDrafted, asked_at: datetime | None) -> "Write":
        """Begin with an INSERT at the derived place, unless the draft names a previous link."""
        step = Step.INSERT if event.project.formerly is None else Step.LOCATE
        return cls(event, first_place(event), asked_at or seen_at(event.project), step)

    @property
    def where(self) -> deletions.Place:
        project = self.event.project
        return deletions.Place(
            self.place.identity, self.event.user_id, self.event.url, project.platform, project.external_id
        )

    @property
    def record(self) -> ProjectRecord:
        return new_project(self.event, self.place.identity, self.slugs_taken, at_its_link=self.place.at_its_link)

    @property
    def update(self) -> tuple[UUID, list[Document]]:
        return self.place.identity, refresh(self.event, at_its_link=self.place.at_its_link)

    def locate(self, place: Place) -> None:
        """Go on at this place."""
        self.place, self.located = place, True
        self.step = Step.UPDATE if place.exists else Step.INSERT

    def conflict(self, failure: Document) -> None:
        """Choose the next step after a failed write."""
        taken = failure.get("keyPattern", {})
        if failure["code"] != DUPLICATE_KEY:
            self.result = write_error(failure)
        elif self.step is Step.INSERT and "_id" in taken:
            self.step = Step.UPDATE
        elif self.step is Step.INSERT and "slug" in taken:
            self.slugs_taken += 1
        else:
            self.step = Step.LOCATE

    def verify(self, stored: ProjectRecord | None) -> None:
        """End with the record that is stored after the update, if it is the event's own; else look for that."""
        if stored is None:
            self.result = BusyError("The project was deleted while it was being saved.")
        elif self._is_ours(stored):
            self.result = Saved(stored["_id"], stored["slug"], stored["created_by"] == self.event.import_id)
        else:
            self.step = Step.LOCATE

    def _is_ours(self, stored: ProjectRecord) -> bool:
        """Whether the record is the event's project: written by it, or by a later event of the same project."""
        project, url, seen = self.event.project, self.event.url, seen_at(self.event.project)
        if (identity := upstream_identity(project)) and identity.items() <= stored.items():
            return True
        if is_another(stored, project.platform, project.external_id):
            return False
        if stored.get("url") == url:
            return True
        if any(former["url"] == url and seen <= former["until"] for former in stored.get("former_links", ())):
            return True
        stored_at = stored.get("seen_at")
        return self.located and stored_at is not None and seen <= stored_at


class ProjectStore:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._places = Places(db)
        self._batched_save: MicroBatcher[Draft, Saved] = MicroBatcher(self._save_many)

    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None) -> Saved:
        """Make the project of this draft, or refresh it. `asked_at` is when the member requested the import; without
        it, the draft is as old as its upstream read.

        Raises ContentNotFoundError where the owner deleted the project after requesting it.
        """
        return await self._batched_save((event, asked_at))

    async def apply_statuses(self, event: SourceSynced) -> None:
        """Store whether the originals of a source's projects are there, gone or private."""
        await project_store.apply_statuses(self._db, event)

    async def _save_many(self, drafts: list[Draft]) -> list[Saved | Exception]:
        """Insert all at once, as most are new; again for the few whose slug or link was taken, and an update and a read
        for the projects that exist."""
        writes = [Write.of(event, asked_at) for event, asked_at in drafts]
        for _ in range(TRIES):
            waiting = [write for write in writes if write.result is None]
            if not waiting:
                break
            for write in waiting:
                if write.step is Step.LOCATE:
                    write.locate(await self._places.find(write.event))
            updates = [write for write in waiting if write.step is Step.UPDATE]
            await self._make([write for write in waiting if write.step is Step.INSERT])
            await self._update(updates)
        return [write.result or BusyError("No free slug for this project.") for write in writes]

    async def _make(self, writes: list[Write]) -> None:
        """Insert what was not deleted; check again afterwards, as its owner may delete it at any moment."""
        if not writes:
            return
        await self._refuse_deleted(writes)
        await self._insert([write for write in writes if write.result is None])
        made = [write for write in writes if isinstance(write.result, Saved)]
        await self._refuse_deleted(made)
        back = [write for write in made if not isinstance(write.result, Saved)]
        await project_store.delete_made(self._db, [(write.place.identity, write.event.import_id) for write in back])

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
        failures = await project_store.insert_many(self._db, records)
        for position, (write, record) in enumerate(zip(writes, records, strict=True)):
            if position in failures:
                write.conflict(failures[position])
            else:
                write.result = Saved(write.place.identity, record["slug"], created=True)

    async def _update(self, writes: list[Write]) -> None:
        if not writes:
            return
        failures = await project_store.update_many(self._db, [write.update for write in writes])
        for position, failure in failures.items():
            writes[position].conflict(failure)
        done = [write for position, write in enumerate(writes) if position not in failures]
        stored = await project_store.read_back(self._db, [write.place.identity for write in done])
        for write in done:
            write.verify(stored.get(write.place.identity))
