"""The project records (`projects`): the writer refreshes them, and their owners edit them.

No refresh changes a field that its owner has `edited`. `platform` and `external_id` say what a project is, and `url`
where it is now; a record without `url` lost its link to another project, and gets a new one when it is seen elsewhere.
The writer and the owner change a record with one atomic update each, so the updates may come in any order and more than
once. The writer's updates are in `project_updates`.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import combinations, product
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, Document, collection
from schemas.content import Project


class FormerLink(TypedDict):
    url: str
    until: datetime  # when the project was seen elsewhere


class Reanalysis(TypedDict):
    tries: int
    due_at: datetime


class ProjectRecord(TypedDict):
    """A project: the fields of `schemas.content.Project` as JSON has them, and these."""

    _id: UUID
    user_id: str
    url: NotRequired[str]
    former_links: NotRequired[list[FormerLink]]  # the latest first
    platform: str | None
    external_id: NotRequired[str]
    slug: str
    title: str
    description: str
    upstream: dict[str, Any]  # what the upstream says of the fields in `FROM_UPSTREAM`
    edited: NotRequired[dict[str, datetime]]  # the fields that the owner changed, and when
    is_private: bool
    is_showcase: bool
    shown: bool  # whether everybody finds it
    source_state: Literal["there", "gone", "private"]  # of the original
    source_seen_at: datetime  # when `source_state` was read
    source_private: bool  # when the original was last there; it stays hidden if it is gone since
    source_read_at: datetime  # when `source_private` was read
    seen_at: datetime | None  # when the upstream was read
    facets: list[str]
    analysis_degraded: bool  # the model failed, and the analysis is the extractive one
    reanalysis: NotRequired[Reanalysis | None]
    created_by: UUID  # the import
    created_at: datetime
    updated_at: datetime


COMBINED_TECHNOLOGIES = 12  # of a project, its most important ones: as many as an analysis names
FROM_UPSTREAM = ("title", "description")  # what both the upstream and the owner have a word on
# The last stage of every update: shown = is_showcase and not is_private and not (source is or was last private).
SHOWN: Document = {
    "$set": {
        "shown": {
            "$and": [
                "$is_showcase",
                {"$not": "$is_private"},
                {"$ne": ["$source_state", "private"]},
                {"$ne": ["$source_private", True]},
            ]
        }
    }
}
SHOWN_TO_ALL: Document = {"is_private": False, "source_state": {"$ne": "private"}, "source_private": {"$ne": True}}


def project_id(user_id: str, url: str, platform: str | None = None, external_id: str = "") -> UUID:
    """Derive the id from the upstream's own id, or from the link where there is none. So a project that is written
    again, by any link, keeps its id."""
    known_as = f"{quote(platform, safe='')}:{quote(external_id, safe='')}" if platform and external_id else url
    return uuid5(NAMESPACE_URL, f"{user_id} {known_as}")  # neither has a blank in it, whatever the member's id has


def upstream_identity(project: Project) -> Document | None:
    """Return the fields that identify a project upstream whatever its link is; None where only the link does."""
    if project.platform and project.external_id:
        return {"platform": project.platform, "external_id": project.external_id}
    return None


def is_another(record: Mapping[str, Any], platform: str | None, external_id: str) -> bool:
    """Whether the upstream's ids say that a record is of another thing. Without both ids, or between platforms, they
    say nothing."""
    theirs = record.get("external_id")
    return bool(theirs and external_id and record.get("platform") == platform and theirs != external_id)


def edit(changes: Mapping[str, Any], now: datetime) -> list[Document]:
    """Make the update for an owner's changes. None gives a field of `FROM_UPSTREAM` back to the upstream."""
    given = {field: value for field, value in changes.items() if value is not None}
    given_back = [field for field in changes if field not in given]
    return [
        {
            "$set": {
                **{field: {"$literal": value} for field, value in given.items()},
                **{f"edited.{field}": now for field in given},
                **{field: f"$upstream.{field}" for field in given_back},
                "updated_at": now,
            }
        },
        *({"$unset": f"edited.{field}"} for field in given_back),
        SHOWN,
    ]


def source_private(record: Document) -> bool:
    return bool(record.get("source_private")) or record.get("source_state") == "private"


def private(record: Document) -> bool:
    """As its owner is told: by their own word, else by the upstream's."""
    return bool(record["is_private"]) or ("is_private" not in record.get("edited", {}) and source_private(record))


def upstream_changes(record: Document) -> Document:
    """What the upstream says instead of what the owner wrote, by field."""
    edited, upstream = record.get("edited", {}), record.get("upstream", {})
    offered = {
        field: upstream[field]
        for field in FROM_UPSTREAM
        if field in edited and field in upstream and upstream[field] != record[field]
    }
    if "is_private" in edited and source_private(record) and not record["is_private"]:
        offered["is_private"] = True
    return offered


def facets(project: Project) -> list[str]:
    """Return the values that lists are filtered by: each filter, and each combination of two or three filters of
    different kinds. So any filtered list is one look-up, even where two filters are common and never meet."""
    types = [facet("type", name) for name in {project.type, project.project_type}]
    platforms = [facet("platform", project.platform)] if project.platform else []
    technologies = [facet("technology", name) for name in project.technologies]
    kinds = (types, platforms, technologies[:COMBINED_TECHNOLOGIES])
    some = (chosen for count in (2, 3) for chosen in combinations(kinds, count))
    together = {combined(*one) for chosen in some for one in product(*chosen)}
    return sorted({*types, *platforms, *technologies}) + sorted(together)


def facet(name: str, value: str) -> str:
    return f"{name}:{value.strip().casefold()}"


def combined(*chosen: str) -> str:
    """One short facet for several, in any order."""
    if len(chosen) == 1:
        return chosen[0]
    return "&" + urlsafe_b64encode(sha256("\n".join(sorted(chosen)).encode()).digest()[:9]).decode()


def narrowed(**wanted: str | None) -> Document:
    """A filter: the projects that have all of these facets."""
    chosen = [facet(name, value) for name, value in wanted.items() if value is not None]
    return {"facets": combined(*chosen)} if chosen else {}


def projects(db: Database) -> AsyncCollection[ProjectRecord]:
    return collection(db, "projects", ProjectRecord)


async def owners(db: Database, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the owner of each of these projects that exists."""
    found = projects(db).find({"_id": {"$in": list(ids)}}, {"user_id": 1})
    return {project["_id"]: project["user_id"] async for project in found}


INDEXES = [
    # What stands at a link; none, where another thing has taken it since.
    IndexModel(
        [("user_id", ASCENDING), ("url", ASCENDING)],
        name="one_per_link",
        unique=True,
        partialFilterExpression={"url": {"$exists": True}},
    ),
    # The same thing upstream is one project, whatever its link is by now.
    IndexModel(
        [("user_id", ASCENDING), ("platform", ASCENDING), ("external_id", ASCENDING)],
        name="one_per_thing",
        unique=True,
        partialFilterExpression={"external_id": {"$exists": True}},
    ),
    IndexModel([("user_id", ASCENDING), ("slug", ASCENDING)], name="slug", unique=True),
    # Where a link led before its project was renamed.
    IndexModel(
        [("user_id", ASCENDING), ("former_links.url", ASCENDING)],
        name="former_links",
        partialFilterExpression={"former_links.url": {"$exists": True}},
    ),
    IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    # The newest of everybody's, all of them and narrowed down, and of one member as others see them.
    IndexModel(
        [("created_at", DESCENDING), ("_id", DESCENDING)],
        name="explore",
        partialFilterExpression={"shown": True},
    ),
    IndexModel(
        [("facets", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
        name="facets",
        partialFilterExpression={"shown": True},
    ),
    IndexModel(
        [("user_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
        name="newest_shown",
        partialFilterExpression={"shown": True},
    ),
    # What the model failed for, by when it is tried again.
    IndexModel(
        [("reanalysis.due_at", ASCENDING), ("updated_at", ASCENDING)],
        name="degraded",
        partialFilterExpression={"analysis_degraded": True},
    ),
]
