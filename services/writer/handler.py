"""Stage 4: a drafted project is stored, once, under its owner and link."""

from collections.abc import Awaitable, Callable

from schemas.events import ProjectDrafted, ProjectSaved
from services.writer.store import Saved


async def persist(event: ProjectDrafted, save: Callable[[ProjectDrafted], Awaitable[Saved]]) -> ProjectSaved:
    saved = await save(event)
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
