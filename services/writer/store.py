"""Projects in MongoDB, written many at a time.

A project's id is derived from its owner and link, so that however often and by whomever it is written, it is one.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError
from slugify import slugify

from kit.batch import Batcher
from kit.errors import BusyError
from kit.mongo import DUPLICATE_KEY, Database, Document, WriteRefusedError, refused
from schemas.content import Project
from schemas.events import ProjectDrafted

MAX_SLUG_CHARS = 80
NUMBERED_SLUGS = 5  # title, title-2 … title-5; then the title with a piece of the id
SLUG_TRIES = NUMBERED_SLUGS + 1
KEPT = {"slug": 1, "created_by": 1}  # decided when a project was made


@dataclass(frozen=True)
class Saved:
    id: UUID
    slug: str
    created: bool  # by this import, whichever of its deliveries made it


def project_id(user_id: str, url: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{user_id} {url}")


class ProjectStore:
    def __init__(self, db: Database) -> None:
        self._projects = db.projects
        self.save: Batcher[ProjectDrafted, Saved] = Batcher(self._save_many)

    async def _save_many(self, events: list[ProjectDrafted]) -> list[Saved | Exception]:
        """One bulk write and one read for all, and again for the few whose slug was taken."""
        if len(events) == 1:
            with suppress(DuplicateKeyError):
                return [await self._save_one(events[0])]
        results: dict[int, Saved | Exception] = {}
        waiting = dict(enumerate(events))
        for attempt in range(SLUG_TRIES):
            taken = await self._upsert(waiting, attempt, results)
            await self._read_back({i: e for i, e in waiting.items() if i not in taken and i not in results}, results)
            waiting = {i: waiting[i] for i in taken}
            if not waiting:
                break
        return [results.get(i, BusyError("No address was free for this project.")) for i in range(len(events))]

    async def _save_one(self, event: ProjectDrafted) -> Saved:
        """In one round trip instead of two. Raises DuplicateKeyError where the slug was taken."""
        which, changes = upsert(event)
        document = await self._projects.find_one_and_update(
            which, changes, KEPT, upsert=True, return_document=ReturnDocument.AFTER
        )
        assert document is not None  # noqa: S101 (an upsert always has one)
        return _saved(document, event)

    async def _upsert(
        self, events: dict[int, ProjectDrafted], attempt: int, results: dict[int, Saved | Exception]
    ) -> set[int]:
        """Returns whose slug was taken; other failures go into `results`."""
        indexes = list(events)
        taken = set()
        operations = [UpdateOne(*upsert(events[i], attempt), upsert=True) for i in indexes]
        for position, failure in (await refused(self._projects.bulk_write(operations, ordered=False))).items():
            index = indexes[position]
            if failure["code"] == DUPLICATE_KEY:
                taken.add(index)  # the slug's, or a race for the same project: both are cured by another try
            else:
                results[index] = WriteRefusedError(str(failure.get("errmsg", ""))[:200])
        return taken

    async def _read_back(self, events: dict[int, ProjectDrafted], results: dict[int, Saved | Exception]) -> None:
        if not events:
            return
        ids = {i: project_id(e.user_id, e.project.external_url) for i, e in events.items()}
        found = {d["_id"]: d async for d in self._projects.find({"_id": {"$in": list(ids.values())}}, KEPT)}
        for i, event in events.items():
            if (document := found.get(ids[i])) is None:  # deleted this very moment
                results[i] = BusyError("The project was deleted while it was being saved.")
                continue
            results[i] = _saved(document, event)


def _saved(document: Document, event: ProjectDrafted) -> Saved:
    return Saved(document["_id"], document["slug"], created=document["created_by"] == event.import_id)


def upsert(event: ProjectDrafted, attempt: int = 0) -> tuple[Document, Document]:
    """The filter and the update of an upsert.

    An existing project is refreshed; it keeps its slug, its age, the import that made it and who may see it.
    A refresh may make it private, as when its upstream became so, and never public.
    """
    now = datetime.now(UTC)
    project = event.project
    document: Document = project.model_dump(mode="json", exclude={"is_private", "is_showcase"})
    visibility: Document = {"is_private": project.is_private}
    identity = project_id(event.user_id, project.external_url)
    return (
        {"_id": identity},
        {
            "$set": {
                **document,
                **(visibility if project.is_private else {}),
                "user_id": event.user_id,
                "updated_at": now,
            },
            "$setOnInsert": {
                **({} if project.is_private else visibility),
                "is_showcase": project.is_showcase,
                "slug": slug(project, identity, attempt),
                "created_by": event.import_id,
                "created_at": now,
            },
        },
    )


def slug(project: Project, identity: UUID, attempt: int) -> str:
    base = slugify(project.title, max_length=MAX_SLUG_CHARS, word_boundary=True) or slugify(project.type) or "project"
    if attempt >= NUMBERED_SLUGS:
        return f"{base}-{identity.hex[:12]}"
    return base if attempt == 0 else f"{base}-{attempt + 1}"
