"""The writer's updates of a project (`projects`): pipelines that MongoDB computes from the draft and the stored record.

Each is one atomic update. Events come twice, late, and in any order: what was seen later stays, and so do the fields
that the owner edited. A pipeline is a list of stages; the docstring of each stage is its formula.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from slugify import slugify

from kit.mongo import Document, to_millis
from records.projects import FROM_UPSTREAM, SHOWN, FormerLink, ProjectRecord, facets, upstream_identity
from schemas.content import Project
from schemas.events import ProjectDrafted, SourceSynced, UpstreamStatus

MAX_SLUG_CHARS = 80
NUMBERED_SLUGS = 5  # title, title-2 … title-5; then the title with a piece of the id
SLUG_TRIES = NUMBERED_SLUGS + 1
MAX_FORMER_LINKS = 20
UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)  # events without `seen_at` sort first


def seen_at(project: Project) -> datetime:
    """Return when the upstream was read, as MongoDB stores it."""
    return to_millis(project.seen_at or UNTIMED)


def new_project(event: ProjectDrafted, identity: UUID, attempt: int = 0, *, at_its_link: bool = True) -> ProjectRecord:
    """Make the record of a new project. `attempt` counts the slugs that were taken. Without `at_its_link`, another
    project has been seen at its link since."""
    project, seen = event.project, seen_at(event.project)
    former = [FormerLink(url=link, until=seen) for link in _left(event, at_its_link=at_its_link)]
    record: Any = {
        **_from_draft(event),
        **(upstream_identity(project) or {"platform": project.platform}),  # an empty id would be one for all
        **({"url": event.url} if at_its_link else {}),
        "_id": identity,
        "is_private": project.is_private,
        "is_showcase": project.is_showcase,
        "source_state": _state(project),
        "source_seen_at": seen,
        "source_private": project.source_private,
        "source_read_at": seen,
        "shown": project.is_showcase and not project.is_private and not project.source_private,
        "slug": slug(project, identity, attempt),
        "created_by": event.import_id,
        "created_at": datetime.now(UTC),
        **({"former_links": former} if former else {}),
    }
    made: ProjectRecord = record
    return made


def refresh(event: ProjectDrafted, *, at_its_link: bool = True) -> list[Document]:
    """Make the update of a stored project. `at_its_link` as in `new_project`.

    The project keeps its slug, its age, the import that made it, whether it is in the showcase, and all that its owner
    edited.
    """
    ours = _is_ours(event)
    return [
        _hide_if_asked(event, ours),
        *_learn_identity(event, ours),
        _take_newest(event, ours, at_its_link=at_its_link),
        SHOWN,
    ]


def apply_status(event: SourceSynced, status: UpstreamStatus) -> tuple[Document, list[Document]]:
    """Make the filter and the update for the status of a project's original. Nothing is deleted, whatever it says."""
    which: Document = {"user_id": event.user_id, "url": status.url}
    if event.platform and status.external_id:
        which = {"user_id": event.user_id, "platform": event.platform, "external_id": status.external_id}
    return which, [{"$set": status_fields(True, status.state, event.synced_at)}, SHOWN]


def give_up_link(link: str) -> list[Document]:
    """Make the update of a project at whose link another one has been seen: url → former_links, until its seen_at."""
    former = {"url": link, "until": {"$ifNull": ["$seen_at", UNTIMED]}}
    return [{"$set": {"former_links": _former_links([former], [link])}}, {"$unset": "url"}]


def slug(project: Project, identity: UUID, attempt: int) -> str:
    base = slugify(project.title, max_length=MAX_SLUG_CHARS, word_boundary=True) or slugify(project.type) or "project"
    if attempt >= NUMBERED_SLUGS:
        return f"{base}-{identity.hex[:12]}"
    return base if attempt == 0 else f"{base}-{attempt + 1}"


def _hide_if_asked(event: ProjectDrafted, ours: Document) -> Document:
    """is_private = is_private or the draft's, where it is ours and unedited: an import may make a project private, and
    never public. The status of the original: see `status_fields`."""
    project = event.project
    private = _unless_edited("is_private", {"$or": ["$is_private", project.is_private]})
    status = status_fields(ours, _state(project), seen_at(project))
    return {"$set": {"is_private": _if(ours, private, "$is_private"), **status}}


def _learn_identity(event: ProjectDrafted, ours: Document) -> list[Document]:
    """platform, external_id = the draft's, where it is ours and external_id is not known yet. No stage for a draft
    without an id."""
    known = {"$or": [{"$not": [ours]}, {"$ifNull": ["$external_id", False]}]}
    identity = upstream_identity(event.project) or {}
    fields = {field: _if(known, f"${field}", {"$literal": value}) for field, value in identity.items()}
    return [{"$set": fields}] if fields else []


def _take_newest(event: ProjectDrafted, ours: Document, *, at_its_link: bool) -> Document:
    """record = {record, the draft's fields, edited fields as they are, links}, where it is ours and seen_at ≤ the
    draft's; else record."""
    fields, seen = _from_draft(event), seen_at(event.project)
    newest = {"$and": [ours, {"$lte": [{"$ifNull": ["$seen_at", UNTIMED]}, seen]}]}
    parts = [
        "$$ROOT" if at_its_link else {"$unsetField": {"field": "url", "input": "$$ROOT"}},
        {"$literal": fields},  # what a member wrote is never an expression
        {field: _unless_edited(field, {"$literal": fields[field]}) for field in FROM_UPSTREAM},
        rename_fields(event, at_its_link=at_its_link),
    ]
    return {"$replaceWith": _if(newest, {"$mergeObjects": parts}, "$$ROOT")}


def status_fields(ours: Any, state: str, seen: datetime) -> Document:
    """source_state, source_seen_at = state, seen, where it is ours and source_seen_at ≤ seen; source_private,
    source_read_at likewise. An original that is gone does not say whether it is private: then source_private stays."""
    fields = _unless_later("source_state", state, "$source_state", at="source_seen_at", ours=ours, seen=seen)
    if state == "gone":
        return {**fields, "source_private": "$source_private"}
    private = state == "private"
    return fields | _unless_later(
        "source_private", private, "$source_private", at="source_read_at", ours=ours, seen=seen
    )


def _unless_later(field: str, value: Any, otherwise: Any, *, at: str, ours: Any, seen: datetime) -> Document:
    """field, at = value, seen, where it is ours and at ≤ seen; else otherwise, at."""
    newest = {"$and": [ours, {"$lte": [{"$ifNull": [f"${at}", UNTIMED]}, seen]}]}
    return {field: _if(newest, value, otherwise), at: _if(newest, seen, f"${at}")}


def rename_fields(event: ProjectDrafted, *, at_its_link: bool) -> Document:
    """url = the draft's; former_links = [the url before, where it is another, and the links that the draft says were
    left] + former_links. Unchanged, where the project is at the draft's url already."""
    seen, left = seen_at(event.project), _left(event, at_its_link=at_its_link)
    was_elsewhere = {"$and": [{"$ifNull": ["$url", False]}, {"$not": [{"$in": ["$url", [event.url, *left]]}]}]}
    here_before = _if(was_elsewhere, [{"url": "$url", "until": seen}], [])
    new = {"$concatArrays": [here_before, [{"url": link, "until": seen} for link in left]]}
    stays = {"$eq": ["$url", event.url]}
    return {
        **({"url": event.url} if at_its_link else {}),
        "former_links": _if(stays, "$former_links", _former_links(new, ["$url", *left])),
    }


def _former_links(new: Any, links: list[Any]) -> Document:
    """new + the former_links that are at none of these links, the first `MAX_FORMER_LINKS`."""
    others = {
        "$filter": {
            "input": {"$ifNull": ["$former_links", []]},
            "as": "former",
            "cond": {"$not": [{"$in": ["$$former.url", links]}]},
        }
    }
    return {"$slice": [{"$concatArrays": [new, others]}, MAX_FORMER_LINKS]}


def _is_ours(event: ProjectDrafted) -> Document:
    """same platform and external_id, or same link where the ids cannot be compared. A link that another project had
    before may lead to that project's record, which is then left alone."""
    by_link: Document = {"$in": ["$url", [event.url, event.project.formerly]]}
    identity = upstream_identity(event.project)
    if identity is None:
        return by_link
    same = {"$and": [{"$eq": [f"${field}", {"$literal": value}]} for field, value in identity.items()]}
    unknown = {"$not": [{"$ifNull": ["$external_id", None]}]}
    elsewhere = {"$ne": ["$platform", {"$literal": identity["platform"]}]}
    return {"$or": [same, {"$and": [by_link, {"$or": [unknown, elsewhere]}]}]}


def _from_draft(event: ProjectDrafted) -> Document:
    """Return the fields that the most recent upstream read decides."""
    project = event.project
    fields = project.model_dump(
        mode="json",
        exclude={"is_private", "is_showcase", "seen_at", "formerly", "source_private", "platform", "external_id"},
    )
    return fields | {
        "user_id": event.user_id,
        "upstream": {field: fields[field] for field in FROM_UPSTREAM},
        "facets": facets(project),
        "seen_at": project.seen_at and seen_at(project),
        "updated_at": datetime.now(UTC),
        # The tries of a degraded analysis are counted until there is a better one.
        **({} if project.analysis_degraded else {"reanalysis": None}),
    }


def _left(event: ProjectDrafted, *, at_its_link: bool) -> list[str]:
    """Return the links where the project was before: later events of it may still come under these."""
    previous = [event.project.formerly] if event.project.formerly else []
    return previous if at_its_link else [*previous, event.url]


def _state(project: Project) -> str:
    return "private" if project.source_private else "there"


def _if(condition: Any, then: Any, otherwise: Any) -> Document:
    return {"$cond": [condition, then, otherwise]}


def _unless_edited(field: str, value: Any) -> Document:
    """value, where the owner has not edited the field."""
    return _if({"$ifNull": [f"$edited.{field}", False]}, f"${field}", value)
