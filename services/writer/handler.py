"""Stage 4: a drafted project is stored, once, under its owner and link; how its original stands is kept beside it.

Texts are rendered here, at the last moment before they are kept: whoever published the draft, what is stored is safe.
"""

from datetime import datetime
from typing import Protocol

from records.attempts import Imports
from schemas.content import Block, Project, TextBlock
from schemas.events import Event, ProjectDrafted, ProjectSaved, SourceSynced
from services.writer.store import Saved


class Store(Protocol):
    async def save(self, event: ProjectDrafted, asked_at: datetime | None = None, /) -> Saved: ...
    async def stand(self, event: SourceSynced, /) -> None: ...


class Texts(Protocol):
    async def render(self, content: str, text_format: str, html: str | None = None) -> str: ...


async def persist(event: Event, store: Store, imports: Imports, texts: Texts) -> ProjectSaved | None:
    """None for a source that was synced: of its items' standing nobody has to be told. None, too, where the import
    has ended. Raises ContentNotFoundError where its owner has deleted the project since they asked for it."""
    if isinstance(event, SourceSynced):
        await store.stand(event)
        return None
    assert isinstance(event, ProjectDrafted)  # noqa: S101 (the stage consumes no others)
    found = await imports.of(event)
    if found.over:
        return None
    event = event.model_copy(update={"project": await rendered(event.project, texts)})
    saved = await store.save(event, found.asked_at)
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


async def rendered(project: Project, texts: Texts) -> Project:
    """With the HTML of each text made anew: what an event brings along is as its publisher or its upstream left it."""
    blocks: list[Block] = []
    for block in project.content.blocks:
        if isinstance(block, TextBlock):
            html = await texts.render(block.content, block.format, block.html)
            block = block.model_copy(update={"html": html})
        blocks.append(block)
    return project.model_copy(update={"content": project.content.model_copy(update={"blocks": tuple(blocks)})})
