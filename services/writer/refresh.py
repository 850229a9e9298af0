"""What a drafted project does to its stored one, as one atomic update that MongoDB computes from both.

Events come twice, late, and in any order: what was seen later stays, and so does what the owner edited.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from slugify import slugify

from kit.mongo import Document
from records.projects import FROM_UPSTREAM, SHOWN, facets, upstream_identity
from records.sources.record import to_millis
from schemas.content import Project
from schemas.events import ProjectDrafted, SourceSynced, UpstreamStatus

MAX_SLUG_CHARS = 80
NUMBERED_SLUGS = 5  # title, title-2 … title-5; then the title with a piece of the id
SLUG_TRIES = NUMBERED_SLUGS + 1
MAX_FORMER_LINKS = 20
UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)  # whoever does not say when, saw it before everybody who does


def seen_at(project: Project) -> datetime:
    """As MongoDB keeps it."""
    return to_millis(project.seen_at or UNTIMED)


def born(event: ProjectDrafted, identity: UUID, attempt: int = 0, *, at_its_link: bool = True) -> Document:
    """The record of a project that is not there yet. Without `at_its_link` another has been seen there since."""
    project, seen = event.project, seen_at(event.project)
    former = [*([project.formerly] if project.formerly else []), *([] if at_its_link else [event.url])]
    return {
        **_fresh(event),
        **_identity(project),
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
        **({"former_links": [_before(link, seen) for link in former]} if former else {}),
    }


def refresh(event: ProjectDrafted, *, at_its_link: bool = True) -> list[Document]:
    """The update for one that is. `at_its_link` as above.

    It keeps its slug, its age, the import that made it, whether it is shown, and all that its owner edited. An import
    may make it private, whenever it was asked to, and never public.
    """
    project, seen = event.project, seen_at(event.project)
    fresh = _fresh(event)
    its_own = _is_its_own(event)
    now_private = _unless_edited("is_private", {"$or": ["$is_private", project.is_private]})
    return [
        {"$set": {"is_private": _if(its_own, now_private, "$is_private"), **_stands(its_own, _state(project), seen)}},
        *_known_as(event, its_own),
        {
            "$replaceWith": _if(
                {"$and": [its_own, {"$lte": [{"$ifNull": ["$seen_at", UNTIMED]}, seen]}]},
                {
                    "$mergeObjects": [
                        "$$ROOT" if at_its_link else {"$unsetField": {"field": "url", "input": "$$ROOT"}},
                        {"$literal": fresh},  # what a member wrote is never an expression
                        {field: _unless_edited(field, {"$literal": fresh[field]}) for field in FROM_UPSTREAM},
                        _moved(event, seen, at_its_link=at_its_link),
                    ]
                },
                "$$ROOT",
            )
        },
        SHOWN,
    ]


def give_up(link: str) -> list[Document]:
    """The update for a project at whose link another thing has been seen."""
    until = {"$ifNull": ["$seen_at", UNTIMED]}
    return [{"$set": {"former_links": _longer([{"url": link, "until": until}], [link])}}, {"$unset": "url"}]


def stand(event: SourceSynced, standing: UpstreamStatus) -> tuple[Document, list[Document]]:
    """The filter and the update for how the original of a project stands. Nothing is deleted, whatever it says."""
    which: Document = {"user_id": event.user_id, "url": standing.url}
    if event.platform and standing.external_id:
        which = {"user_id": event.user_id, "platform": event.platform, "external_id": standing.external_id}
    return which, [{"$set": _stands(True, standing.state, event.synced_at)}, SHOWN]


def slug(project: Project, identity: UUID, attempt: int) -> str:
    base = slugify(project.title, max_length=MAX_SLUG_CHARS, word_boundary=True) or slugify(project.type) or "project"
    if attempt >= NUMBERED_SLUGS:
        return f"{base}-{identity.hex[:12]}"
    return base if attempt == 0 else f"{base}-{attempt + 1}"


def _fresh(event: ProjectDrafted) -> Document:
    """What the newest sight decides."""
    project = event.project
    fresh = project.model_dump(
        mode="json",
        exclude={"is_private", "is_showcase", "seen_at", "formerly", "source_private", "platform", "external_id"},
    )
    return fresh | {
        "user_id": event.user_id,
        "upstream": {field: fresh[field] for field in FROM_UPSTREAM},
        "facets": facets(project),
        "seen_at": project.seen_at and seen_at(project),
        "updated_at": datetime.now(UTC),
        # How often a degraded analysis was tried again is counted until there is a better one.
        **({} if project.analysis_degraded else {"reanalysis": None}),
    }


def _identity(project: Project) -> Document:
    """What says what it is; no empty id, as those would all be one thing."""
    return upstream_identity(project) or {"platform": project.platform}


def _is_its_own(event: ProjectDrafted) -> Document:
    """Whether a record is of what the event tells of: by the upstream's id, or by the link where the ids say nothing. A
    link that another project had before may lead to a record that is not: then it is left alone, see `places`."""
    by_link: Document = {"$in": ["$url", [event.url, event.project.formerly]]}
    identity = upstream_identity(event.project)
    if identity is None:
        return by_link
    same = {"$and": [{"$eq": [f"${field}", {"$literal": it}]} for field, it in identity.items()]}
    unknown = {"$not": [{"$ifNull": ["$external_id", None]}]}
    elsewhere = {"$ne": ["$platform", {"$literal": identity["platform"]}]}
    return {"$or": [same, {"$and": [by_link, {"$or": [unknown, elsewhere]}]}]}


def _known_as(event: ProjectDrafted, its_own: Document) -> list[Document]:
    """What a record is stays, once its upstream's id is known; until then, whoever knows it tells."""
    known = {"$or": [{"$not": [its_own]}, {"$ifNull": ["$external_id", False]}]}
    identity = upstream_identity(event.project) or {}
    fields = {field: _if(known, f"${field}", {"$literal": it}) for field, it in identity.items()}
    return [{"$set": fields}] if fields else []


def _state(project: Project) -> str:
    return "private" if project.source_private else "there"


def _stands(its_own: Any, state: str, seen: datetime) -> Document:
    """The fields for how the original stood then, unless it was seen later. Only what is there tells whether it is
    private: what nobody finds any more stays hidden if it was."""

    def newest(field: str) -> Document:
        return {"$and": [its_own, {"$lte": [{"$ifNull": [f"${field}", UNTIMED]}, seen]}]}

    def unless_later(at: str, field: str, value: Any, otherwise: Any) -> Document:
        return {field: _if(newest(at), value, otherwise), at: _if(newest(at), seen, f"${at}")}

    stands = unless_later("source_seen_at", "source_state", state, "$source_state")
    was_private = {"$ifNull": ["$source_private", {"$eq": ["$source_state", "private"]}]}
    if state == "gone":
        return {**stands, "source_private": was_private}
    return {**stands, **unless_later("source_read_at", "source_private", state == "private", was_private)}


def _before(link: str, until: datetime) -> Document:
    """Where a project was that is elsewhere by now: older sights of it under that link are still to come."""
    return {"url": link, "until": until}


def _moved(event: ProjectDrafted, seen: datetime, *, at_its_link: bool) -> Document:
    """Its link and the ones before, for a sight that is the newest."""
    left = [*([event.project.formerly] if event.project.formerly else []), *([] if at_its_link else [event.url])]
    moved = {"$and": [{"$ifNull": ["$url", False]}, {"$not": [{"$in": ["$url", [event.url, *left]]}]}]}
    new = {"$concatArrays": [_if(moved, [_before("$url", seen)], []), [_before(link, seen) for link in left]]}
    there = {"$eq": ["$url", event.url]}
    return {
        **({"url": event.url} if at_its_link else {}),
        "former_links": _if(there, "$former_links", _longer(new, ["$url", *left])),
    }


def _longer(new: Any, links: list[Any]) -> Document:
    """The former links with these before them, each once."""
    others = {
        "$filter": {
            "input": {"$ifNull": ["$former_links", []]},
            "as": "former",
            "cond": {"$not": [{"$in": ["$$former.url", links]}]},
        }
    }
    return {"$slice": [{"$concatArrays": [new, others]}, MAX_FORMER_LINKS]}


def _if(condition: Document, then: Any, otherwise: Any) -> Document:
    return {"$cond": [condition, then, otherwise]}


def _unless_edited(field: str, value: Any) -> Document:
    return _if({"$ifNull": [f"$edited.{field}", False]}, f"${field}", value)
