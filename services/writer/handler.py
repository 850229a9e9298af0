"""Stage 4: a drafted project is stored, once, under its owner and link; how its original stands is kept beside it."""

from typing import Protocol

from schemas.events import Event, ProjectDrafted, ProjectSaved, SourceSynced
from services.writer.store import Saved


class Store(Protocol):
    async def save(self, event: ProjectDrafted, /) -> Saved: ...
    async def stand(self, event: SourceSynced, /) -> None: ...


async def persist(event: Event, store: Store) -> ProjectSaved | None:
    """None for a source that was looked at: of its items' standing nobody has to be told."""
    if isinstance(event, SourceSynced):
        await store.stand(event)
        return None
    assert isinstance(event, ProjectDrafted)  # noqa: S101 (the stage consumes no others)
    saved = await store.save(event)
    return ProjectSaved(
        id=event.child_id(ProjectSaved),
        import_id=event.import_id,
        user_id=event.user_id,
        url=event.url,
        project_id=saved.id,
        slug=saved.slug,
        title=event.project.title,
        created=saved.created,
    )
