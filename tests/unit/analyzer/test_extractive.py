"""The analysis without a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.content import ProjectType
from services.analyzer.extractive import extract
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


def test_an_item_without_words_of_its_own_is_called_by_its_name_and_language() -> None:
    assert extract(item(description="", text="")).description == "lanterns, written in Rust."
    assert extract(item(description="", text="", language=None)).description == "lanterns."


def test_a_title_of_markup_alone_falls_back_to_the_full_name() -> None:
    assert extract(item(title="<b>", description="", text="")).description == "a/lanterns, written in Rust."


VIDEO = {"kind": "video", "description_by": "author", "language": None}


def test_a_video_whose_author_wrote_nothing_has_no_description_made_of_its_title() -> None:
    assert extract(item(**VIDEO, title="Acorn hour", description="", text="")).description == ""


@pytest.mark.parametrize(
    ("own", "text", "description"),
    [
        ("Maps for hikers", "# Way\n\nMaps for hikers.", "Maps for hikers."),
        ("Maps for hikers", "Way draws maps for hikers who are lost.", "Way draws maps for hikers who are lost."),
        ("Maps, for hikers who are lost!", "Maps for hikers.", "Maps, for hikers who are lost!"),
        ("🗺 maps for HIKERS", "**Maps** for hikers.", "Maps for hikers."),
        ("森の地図を描くツール", "# 地図\n\n森の地図を描くツールです。", "森の地図を描くツールです。"),
        ("fork of old/lanterns", "Lanterns is a web of lights.", "fork of old/lanterns. Lanterns is a web of lights."),
        ("Maps for hikers", "It works without a signal.", "Maps for hikers. It works without a signal."),
    ],
)
def test_a_description_and_a_text_that_say_the_same_are_said_once(own: str, text: str, description: str) -> None:
    assert extract(item(description=own, text=text)).description == description


@pytest.mark.parametrize(
    ("own", "description"),
    [
        (":bird: Sings, :heavy_check_mark: at dawn", "🐦 Sings, ✔️ at dawn."),
        ("For the 👩‍🚒 and the 👨‍👩‍👦 nearby", "For the 👩‍🚒 and the 👨‍👩‍👦 nearby."),
        ("Parses load_json into Vec<T>", "Parses load_json into Vec<T>."),
        ("https://sings.example", "lanterns, written in Rust."),
    ],
)
def test_a_repositorys_own_description_is_read_as_the_plain_text_that_it_is(own: str, description: str) -> None:
    assert extract(item(description=own, text="")).description == description


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
        ({"kind": "video"}, ProjectType.VIDEO),
        ({"kind": "article", "topics": ("cli",)}, ProjectType.ARTICLE),
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
    assert 0 < len(analysis.description) <= 1_000
