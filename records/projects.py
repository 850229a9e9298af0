"""The record of a project in MongoDB (`projects`): what the writer refreshes and its owner edits.

`edited` has the time of the edit for each field that the owner changed: those are theirs, and no refresh touches them.
`upstream` has what the upstream says of the fields that may be edited. `source_state` is how the original stands, and
`source_private` whether it was private when it could last be seen: what is gone since is hidden no less.
`platform` and `external_id` say what it is, `url` where that stands; a record without `url` lost its link to another
thing, and has one again once it is seen elsewhere. `former_links` are where it was seen before, and until when.
Both writers change a record with one atomic update each, so they may come in any order and as often as they like.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from itertools import combinations, product
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from kit.mongo import Document
from schemas.content import Project

COMBINED_TECHNOLOGIES = 12  # of a project, its most important ones: as many as an analysis names
FROM_UPSTREAM = ("title", "description")  # what both the upstream and the owner have a word on
# The last stage of every update of a project: whether everybody finds it, so that no list passes over hidden ones.
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
    """Derived, so that however often, by whichever link and by whomever a project is written, it is one: from the
    upstream's own id, or from its link where there is none."""
    known_as = f"{quote(platform, safe='')}:{quote(external_id, safe='')}" if platform and external_id else url
    return uuid5(NAMESPACE_URL, f"{user_id} {known_as}")  # neither has a blank in it, whatever the member's id has


def upstream_identity(project: Project) -> Document | None:
    """The fields by which a record is the project of the same thing upstream, whatever its link; None where only the
    link tells."""
    if project.platform and project.external_id:
        return {"platform": project.platform, "external_id": project.external_id}
    return None


def is_another(record: Document, platform: str | None, external_id: str) -> bool:
    """Whether the upstream itself says that a record is of another thing than this. Ids of different platforms cannot
    be compared, and who knows no id says nothing."""
    theirs = record.get("external_id")
    return bool(theirs and external_id and record.get("platform") == platform and theirs != external_id)


def edit(changes: Mapping[str, Any], now: datetime) -> list[Document]:
    """The update for an owner's changes. None gives a field of `FROM_UPSTREAM` back to the upstream."""
    given = {field: value for field, value in changes.items() if value is not None}
    given_back = [field for field in changes if field not in given]
    return [
        # A record that was never refreshed since fields may be edited still holds the upstream's values itself.
        {"$set": {f"upstream.{field}": {"$ifNull": [f"$upstream.{field}", f"${field}"]} for field in FROM_UPSTREAM}},
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
    """What lists of projects are narrowed down by: each filter, and each combination of two or three filters of
    different kinds, so that any list is one sync-up, also where two filters are common and never meet."""
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
