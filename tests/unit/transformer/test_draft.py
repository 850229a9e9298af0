"""Item and analysis become a project."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.content import MAX_TEXT_CHARS, Analysis, CoverBlock, Item, ProjectType, TextBlock, Video, VideoBlock
from schemas.events import ContentAnalyzed, Options, ProjectDrafted
from services.transformer.handler import blocks, draft, transform

ANALYSIS = Analysis(
    description="It glows.", technologies=("Rust",), project_type=ProjectType.TOOL, source="model", model="m"
)
REPOSITORY: dict[str, Any] = {
    "integration": "github",
    "external_id": "1",
    "url": "https://github.com/a/lanterns",
    "kind": "github_repo",
    "title": "lanterns",
    "full_name": "a/lanterns",
    "description": "Paper lanterns",
    "text": "# Lanterns",
    "image_url": "https://img.example/banner.png",
    "metadata": {"stars": 3, "topics": ("paper",)},
}
VIDEO: dict[str, Any] = REPOSITORY | {
    "integration": "youtube",
    "url": "https://youtube.com/watch?v=abc",
    "kind": "video",
    "description": "How to fold one.",
    "video": Video(provider="youtube", video_id="abc"),
    "description_by": "author",
    "picture_as": "featured",
}


def repository(**changes: Any) -> Item:
    return Item.model_validate(REPOSITORY | changes)


def video(**changes: Any) -> Item:
    return Item.model_validate(VIDEO | changes)


def test_a_repository_is_described_by_the_analysis_and_has_a_banner() -> None:
    project = draft(repository(), ANALYSIS, Options())
    assert project.type == "github_repo"
    assert project.title == "lanterns"
    assert project.description == "It glows."
    assert project.external_url == "https://github.com/a/lanterns"
    assert project.banner_url == "https://img.example/banner.png"
    assert project.featured_image_url is None
    assert project.technologies == ("Rust",)
    assert project.project_type is ProjectType.TOOL
    assert project.analysis_source == "model"
    assert project.metadata == {"stars": 3, "topics": ("paper",)}


def test_a_video_keeps_its_authors_description_and_has_a_featured_image() -> None:
    project = draft(video(), ANALYSIS, Options())
    assert project.description == "How to fold one."
    assert project.featured_image_url == "https://img.example/banner.png"
    assert project.banner_url is None


def test_a_videos_long_description_is_cut_to_500_characters() -> None:
    assert draft(video(description="x" * 4_000), ANALYSIS, Options()).description == "x" * 500


def test_a_video_without_a_description_is_described_by_the_analysis() -> None:
    assert draft(video(description=""), ANALYSIS, Options()).description == "It glows."


def test_blocks_are_cover_then_video_then_text() -> None:
    cover = CoverBlock(banner_url="https://img.example/banner.png", title="lanterns")
    assert blocks(repository()) == [cover, TextBlock(content="# Lanterns")]
    described = TextBlock(content="## Description\n\n# Lanterns")
    assert blocks(video()) == [cover, VideoBlock(provider="youtube", video_id="abc"), described]


def test_an_article_is_shown_with_what_it_has() -> None:
    pictures = ("https://img.example/1.png", "https://img.example/2.png")
    article = repository(
        kind="article", description_by="author", picture_as="featured", images=pictures,
        audio_url="https://audio.example/1.mp3", embed_url="https://player.example/1",
    )  # fmt: skip
    assert [block.type for block in blocks(article)] == ["cover", "audio", "embed", "gallery", "text"]
    untold = ANALYSIS.model_copy(update={"project_type": ProjectType.OTHER})
    project = draft(article, untold, Options())
    assert (project.type, project.project_type, project.description) == ("article", "article", "Paper lanterns")
    assert draft(repository(kind="recipe"), untold, Options()).project_type == "other"


def test_the_heading_of_a_videos_text_takes_its_place_from_the_end() -> None:
    *_, text = blocks(video(text="x" * MAX_TEXT_CHARS))
    assert isinstance(text, TextBlock)
    assert text.content.startswith("## Description\n\nxxx")
    assert len(text.content) == MAX_TEXT_CHARS


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_to_read_makes_no_text_block(text: str) -> None:
    assert [block.type for block in blocks(repository(text=text))] == ["cover"]
    assert [block.type for block in blocks(video(text=text))] == ["cover", "video"]


def test_a_cover_needs_no_picture() -> None:
    assert blocks(repository(image_url=None))[0] == CoverBlock(title="lanterns")


@pytest.mark.parametrize(
    ("upstream", "asked", "private"),
    [(False, False, False), (False, True, True), (True, False, False), (True, True, True)],
)
def test_what_is_private_upstream_is_marked_so_beside_the_members_own_wish(
    upstream: bool, asked: bool, private: bool
) -> None:
    project = draft(repository(is_private=upstream), ANALYSIS, Options(is_private=asked))
    assert (project.is_private, project.source_private) == (private, upstream)


@pytest.mark.parametrize("is_showcase", [True, False])
def test_the_members_choice_of_showcase_is_kept(is_showcase: bool) -> None:
    assert draft(repository(), ANALYSIS, Options(is_showcase=is_showcase)).is_showcase is is_showcase


@given(st.text(max_size=2_000), st.text(max_size=2_000))
def test_whatever_arrives_twice_leaves_twice_alike(text: str, description: str) -> None:
    event = analyzed(repository(text=text, description=description))
    assert transform(event) == transform(event)
    assert ProjectDrafted.model_validate_json(transform(event).model_dump_json()) == transform(event)


def test_the_event_goes_on_under_the_link_where_the_content_was_found() -> None:
    """A renamed repository ends on its new canonical link, which is the project's identity from here on."""
    event = analyzed(repository(url="https://github.com/a/renamed"), url="https://github.com/a/lanterns")
    drafted = transform(event)
    assert drafted.url == drafted.project.external_url == "https://github.com/a/renamed"
    assert drafted.import_id == event.import_id
    assert drafted.id == event.child_id(ProjectDrafted)


def test_what_people_click_is_spelt_as_its_provider_does() -> None:
    drafted = transform(analyzed(repository(external_url="https://github.com/A/Lanterns")))
    assert (drafted.url, drafted.project.external_url) == (REPOSITORY["url"], "https://github.com/A/Lanterns")
    assert (drafted.project.platform, drafted.project.external_id) == ("github", "1")


def analyzed(item: Item, url: str | None = None) -> ContentAnalyzed:
    return ContentAnalyzed(
        id=UUID(int=1), import_id=UUID(int=2), user_id="u", url=url or item.url, item=item, analysis=ANALYSIS
    )


def test_a_video_that_no_player_shows_here_has_its_picture_and_a_link() -> None:
    item = video(video=Video(provider="youtube", video_id="abc", embeddable=False))
    cover, link, text = blocks(item)
    assert cover == CoverBlock(banner_url="https://img.example/banner.png", title="lanterns")
    assert link == TextBlock(content="[Watch it on youtube.com](https://youtube.com/watch?v=abc)")
    assert isinstance(text, TextBlock)
    assert text.content.startswith("## Description")
    project = draft(item, ANALYSIS, Options())
    assert (project.featured_image_url, project.description) == (item.image_url, "How to fold one.")
