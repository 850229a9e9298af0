"""The writer's queries of projects (`projects`): where a draft belongs, and its bulk writes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from pymongo import UpdateOne

from kit.mongo import Database, Document, refused
from records.project_updates import apply_status, give_up_link
from records.projects import ProjectRecord, projects
from schemas.events import SourceSynced

PLACE = dict.fromkeys(("url", "platform", "external_id", "seen_at"), 1)
# What a write is judged by: what was decided when the project was made, what it is, and where.
STORED = PLACE | dict.fromkeys(("slug", "created_by", "former_links"), 1)


async def find_identity(db: Database, user_id: str, identity: Document) -> ProjectRecord | None:
    """Find the member's project of this platform and external id."""
    return await projects(db).find_one({"user_id": user_id, **identity}, PLACE)


async def find_link(db: Database, user_id: str, url: str) -> ProjectRecord | None:
    """Find the member's project that is at this link now."""
    return await projects(db).find_one({"user_id": user_id, "url": url}, PLACE)


async def at_links(db: Database, user_id: str, links: Collection[str]) -> dict[str, UUID]:
    """Return the member's projects that are at one of these links now, by link."""
    found = projects(db).find({"user_id": user_id, "url": {"$in": list(links)}}, PLACE)
    return {project["url"]: project["_id"] async for project in found}


async def find_former(db: Database, user_id: str, url: str, seen: datetime) -> ProjectRecord | None:
    """Find the member's project that was at this link at that time."""
    past: Document = {"former_links": {"$elemMatch": {"url": url, "until": {"$gte": seen}}}}
    past["former_links.url"] = url  # which the index has
    return await projects(db).find_one({"user_id": user_id, **past}, PLACE)


async def exists(db: Database, project_id: UUID) -> bool:
    return bool(await projects(db).count_documents({"_id": project_id}, limit=1))


async def take_link(db: Database, project_id: UUID, url: str) -> None:
    """Take the link from a project, if it is still there."""
    await projects(db).update_one({"_id": project_id, "url": url}, give_up_link(url))


async def insert_many(db: Database, records: Sequence[ProjectRecord]) -> dict[int, Document]:
    """Insert new projects. Returns the failures by position, like `kit.mongo.refused`."""
    return await refused(projects(db).insert_many(records, ordered=False))


async def update_many(db: Database, updates: Sequence[tuple[UUID, list[Document]]]) -> dict[int, Document]:
    """Update each project by its pipeline. Returns the failures by position, like `kit.mongo.refused`."""
    writes = [UpdateOne({"_id": project_id}, pipeline) for project_id, pipeline in updates]
    return await refused(projects(db).bulk_write(writes, ordered=False))


async def read_back(db: Database, ids: Collection[UUID]) -> dict[UUID, ProjectRecord]:
    if not ids:
        return {}
    found = projects(db).find({"_id": {"$in": list(ids)}}, STORED)
    return {project["_id"]: project async for project in found}


async def delete_made(db: Database, made: Collection[tuple[UUID, UUID]]) -> None:
    """Delete these projects, each only if it was made by the import beside it."""
    if made:
        which = [{"_id": project_id, "created_by": import_id} for project_id, import_id in made]
        await projects(db).delete_many({"$or": which})


async def apply_statuses(db: Database, event: SourceSynced) -> None:
    """Store the status of the originals of a source's projects. An older sync never overwrites a newer one."""
    updates = [UpdateOne(*apply_status(event, standing)) for standing in event.standings]
    if updates:
        await projects(db).bulk_write(updates, ordered=False)
