"""Sights of a repository at its upstream, as the transformer drafts them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from schemas.content import Project
from schemas.events import ProjectDrafted, SourceSynced, UpstreamStatus

OLD, NEW = "https://github.com/ada/engine", "https://github.com/ada/analytical-engine"
DAWN = datetime(2026, 3, 1, tzinfo=UTC)


def hour(number: int) -> datetime:
    return DAWN + timedelta(hours=number)


def draft(at: int | None = 0, url: str = OLD, *, import_id: UUID | None = None, **changes: Any) -> ProjectDrafted:
    """As it was seen in this hour."""
    given = {
        "type": "github_repo", "title": f"Engine {at}", "description": f"As of {at}.", "external_url": url,
        "is_showcase": True, "is_private": False, "content": {"blocks": []}, "technologies": ["Python"],
        "project_type": "library", "analysis_source": "extractive", "platform": "github",
        "seen_at": None if at is None else hour(at),
    }  # fmt: skip
    project = Project.model_validate(given | changes)
    return ProjectDrafted(id=uuid4(), import_id=import_id or uuid4(), user_id="ada", url=url, project=project)


def source_synced(at: int, state: str, url: str = OLD) -> SourceSynced:
    standing = UpstreamStatus.model_validate({"url": url, "state": state})
    return SourceSynced(
        id=uuid4(), import_id=uuid4(), user_id="ada", url=url, source_id=uuid4(), items_found=1, synced_at=hour(at),
        standings=(standing,),
    )  # fmt: skip
