"""Stage 4: store each drafted project once, and the status of its original.

Texts are rendered here, right before they are stored, so that what is stored is safe whatever published the draft.
"""

from datetime import datetime
from typing import Protocol

from records.attempts import Imports
from schemas.content import Block, Project, TextBlock
from schemas.events import Event, ProjectDrafted, ProjectSaved, SourceSynced
from services.writer.store import Saved


class Store(Protocol):
    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None, /) -> Saved: ...
    async def apply_statuses(self, event: SourceSynced, /) -> None: ...


class Texts(Protocol):
    async def render(self, content: str, text_format: str, html: str | None = None) -> str: ...


async def persist(event: Event, store: Store, imports: Imports, texts: Texts) -> ProjectSaved | None:
    """Store the event's project. Returns None for `SourceSynced`, which only changes statuses, and where the import has
    ended. Raises ContentNotFoundError where the owner deleted the project after requesting it."""
    if isinstance(event, SourceSynced):
        await store.apply_statuses(event)
        return None
    assert isinstance(event, ProjectDrafted)  # noqa: S101 (the stage consumes no others)
    found = await imports.of(event)
    if found.over:
        return None
    event = event.model_copy(update={"project": await rendered(event.project, texts)})
    saved = await store.save(event, found.asked_at)
    return ProjectSaved(
        **event.lineage(ProjectSaved),
        project_id=saved.id,
        slug=saved.slug,
        title=event.project.title,
        created=saved.created,
    )


async def rendered(project: Project, texts: Texts) -> Project:
    """Return the project with the HTML of each text rendered anew. The event's own HTML is not to be trusted."""
    blocks: list[Block] = []
    for block in project.content.blocks:
        if isinstance(block, TextBlock):
            html = await texts.render(block.content, block.format, block.html)
            block = block.model_copy(update={"html": html})
        blocks.append(block)
    return project.model_copy(update={"content": project.content.model_copy(update={"blocks": tuple(blocks)})})
