"""The analysis without a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.content import ProjectType, Video
from services.analyzer.extractive import extract, prose
from tests.unit.analyzer.items import item


def test_the_same_item_always_gives_the_same_analysis_and_says_so() -> None:
    one = item(topics=("cli", "rust"))
    assert extract(one) == extract(one)
    assert extract(one).source == "extractive"
    assert extract(one).model is None


def test_the_author_comes_first_and_the_text_goes_on() -> None:
    text = "# Title\n\nA long enough paragraph that explains what all of this is good for.\n\n- a list"
    assert extract(item(text=text)).description == (
        "Paper lanterns for the terminal. A long enough paragraph that explains what all of this is good for."
    )


def test_an_item_without_words_of_its_own_is_called_by_its_title() -> None:
    assert extract(item(description="", text="")).description == "lanterns."


def test_a_title_of_markup_alone_falls_back_to_the_full_name() -> None:
    assert extract(item(title="<b>", description="", text="")).description == "a/lanterns."


@pytest.mark.parametrize("block", ["# heading", "| a | b |", "```\ncode\n```", "- item", "* item", "[![b](c)](d)"])
def test_headings_tables_code_lists_and_badges_are_no_prose(block: str) -> None:
    assert prose(f"{block} {'long enough to count ' * 5}".replace("```\ncode", "```\ncode code")) == ""


def test_technologies_are_language_languages_topics_without_repeats() -> None:
    one = item(language="Rust", languages=("Rust", "Shell"), topics=("rust", "terminal"))
    assert extract(one).technologies == ("Rust", "Shell", "terminal")


def test_technologies_are_at_most_twelve_plain_words() -> None:
    one = item(language="<i>C++</i>", topics=tuple(f"topic-{n}" for n in range(50)))
    found = extract(one).technologies
    assert found[0] == "C++"
    assert len(found) == 12


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"video": Video(provider="youtube", video_id="x")}, ProjectType.VIDEO),
        ({"topics": ("cli",)}, ProjectType.TOOL),
        ({"topics": ("framework", "library")}, ProjectType.FRAMEWORK),
        ({"description": "A tiny SDK for lamps"}, ProjectType.LIBRARY),
        ({"description": "A puzzle game."}, ProjectType.APPLICATION),
        ({"full_name": "a/awesome", "description": ""}, ProjectType.DOCUMENTATION),
        ({"description": "applause", "topics": ()}, ProjectType.OTHER),
    ],
)
def test_whole_words_decide_the_type(changes: dict[str, object], kind: ProjectType) -> None:
    assert extract(item(**changes)).project_type is kind


@given(st.text(max_size=3_000), st.text(max_size=500))
def test_no_text_is_too_odd_for_an_analysis(text: str, description: str) -> None:
    analysis = extract(item(text=text, description=description))
    assert analysis.description
    assert "<" not in analysis.description
