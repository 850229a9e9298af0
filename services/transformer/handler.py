"""Stage 3: item and analysis become a project. Pure; whatever arrives twice leaves twice alike."""

from urllib.parse import urlsplit

from schemas.content import (
    MAX_TEXT_CHARS,
    Analysis,
    Block,
    Content,
    CoverBlock,
    Item,
    Project,
    ProjectType,
    TextBlock,
    VideoBlock,
)
from schemas.events import ContentAnalyzed, Options, ProjectDrafted

MAX_DESCRIPTION_CHARS = 500
DESCRIPTION_HEADING = "## Description\n\n"  # above the text of a video


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
    """A video keeps its author's own description; a repository is described by the analysis."""
    described_by_author = item.video is not None and bool(item.description)
    untold = item.video is not None and analysis.project_type is ProjectType.OTHER
    return Project(
        type=item.kind,
        title=item.title,
        description=item.description[:MAX_DESCRIPTION_CHARS] if described_by_author else analysis.description,
        external_url=item.external_url or item.url,
        is_showcase=options.is_showcase,
        is_private=options.is_private,  # what is private upstream is hidden by `source_private`, for as long as it is
        banner_url=None if item.video else item.image_url,
        featured_image_url=item.image_url if item.video else None,
        content=Content(blocks=tuple(blocks(item))),
        technologies=analysis.technologies,
        project_type=ProjectType.VIDEO if untold else analysis.project_type,
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
    """Cover, then the video if there is one, or where to watch it, then the text if there is any."""
    made: list[Block] = [CoverBlock(title=item.title, banner_url=item.image_url)]
    if item.video and item.video.embeddable:
        made.append(VideoBlock(provider=item.video.provider, video_id=item.video.video_id))
    elif item.video:
        made.append(TextBlock(content=_elsewhere(item)))
    if item.text.strip():
        text = f"{DESCRIPTION_HEADING}{item.text}"[:MAX_TEXT_CHARS] if item.video else item.text
        made.append(TextBlock(content=text, format=item.text_format, html=item.text_html))
    return made


def _elsewhere(item: Item) -> str:
    """Markdown for a video that no player shows here. The link is one of ours to make: it needs no escapes."""
    return f"[Watch it on {urlsplit(item.url).hostname}]({item.url})"
