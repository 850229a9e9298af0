"""Stage 3: make a project of an item and its analysis. Pure: the same event always makes the same project."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from schemas.content import (
    MAX_TEXT_CHARS,
    Analysis,
    AudioBlock,
    Block,
    Content,
    CoverBlock,
    EmbedBlock,
    GalleryBlock,
    Item,
    Project,
    ProjectType,
    TextBlock,
    VideoBlock,
)
from schemas.events import ContentAnalyzed, Options, ProjectDrafted

MAX_DESCRIPTION_CHARS = 500
DESCRIPTION_HEADING = "## Description\n\n"  # above a text that follows a player


def transform(event: ContentAnalyzed) -> ProjectDrafted:
    project = draft(event.item, event.analysis, event.options)
    return ProjectDrafted(
        id=event.child_id(ProjectDrafted),
        import_id=event.import_id,
        user_id=event.user_id,
        url=event.item.url,
        project=project,
    )


def draft(item: Item, analysis: Analysis, options: Options) -> Project:
    """Make the project's page. The item says whose description it shows, and where its picture goes."""
    by_author = item.description_by == "author" and bool(item.description)
    is_featured = item.picture_as == "featured"
    untold = analysis.project_type == ProjectType.OTHER
    return Project(
        type=item.kind,
        title=item.title,
        description=item.description[:MAX_DESCRIPTION_CHARS] if by_author else analysis.description,
        external_url=item.external_url or item.url,
        is_showcase=options.is_showcase,
        is_private=options.is_private,  # what is private upstream is hidden by `source_private`, for as long as it is
        banner_url=None if is_featured else item.image_url,
        featured_image_url=item.image_url if is_featured else None,
        content=Content(blocks=tuple(blocks(item))),
        technologies=analysis.technologies,
        project_type=item.own_type if untold and item.own_type else analysis.project_type,
        analysis_source=analysis.source,
        analysis_degraded=analysis.degraded,
        metadata=item.metadata,
        platform=item.integration,
        external_id=item.external_id,
        source_private=item.is_private,
        seen_at=item.seen_at,
        formerly=item.formerly,
    )


def blocks(item: Item) -> list[Block]:
    """Return the cover, then what plays or is shown, then the text; only those that the item has."""
    players = list(_players(item))
    made: list[Block] = [CoverBlock(title=item.title, banner_url=item.image_url), *players]
    if item.images:
        made.append(GalleryBlock(image_urls=item.images))
    if item.text.strip():
        text = f"{DESCRIPTION_HEADING}{item.text}"[:MAX_TEXT_CHARS] if players else item.text
        made.append(TextBlock(content=text, format=item.text_format, html=item.text_html))
    return made


def _players(item: Item) -> Iterator[Block]:
    if item.video and item.video.embeddable:
        yield VideoBlock(provider=item.video.provider, video_id=item.video.video_id)
    elif item.video:
        yield TextBlock(content=_elsewhere(item))
    if item.audio_url:
        yield AudioBlock(url=item.audio_url)
    if item.embed_url:
        yield EmbedBlock(url=item.embed_url)


def _elsewhere(item: Item) -> str:
    """Return Markdown that links to a video that no player shows here. A canonical link needs no escapes."""
    return f"[Watch it on {urlsplit(item.url).hostname}]({item.url})"
