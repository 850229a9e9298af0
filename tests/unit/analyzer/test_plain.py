"""Whatever an upstream or a model writes, a page gets words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.plain import plain, sentences


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**bold** and `code`", "bold and code"),
        ("# Title\n> quoted\n- listed", "Title quoted listed"),
        ("see [the docs](https://docs.example/a) now", "see the docs now"),
        ("see [it](https://w.example/A_(b)) now", "see it now"),
        ("see [the docs][1] now", "see the docs now"),
        ("![badge](https://img.example/b.svg) text", "badge text"),
        ("go to https://evil.example/?a=b today", "go to today"),
        ("[win](javascript:alert(1)) now", "win now"),
        ("<script>alert(1)</script>hello", "alert(1) hello"),
        ("a <b onclick='x'>b</b> c", "a b c"),
        ("left < right", "left right"),
        ("before\n```\nrm -rf /\n```\nafter", "before after"),
        ("before\n~~~ sh\nnever closed", "before"),
        ("nul\x00 bell\x07 esc\x1b[31m", "nul bell esc [31m"),
        ("right\u202eto left, zero\u200bwidth", "right to left, zero width"),
        ("two\n\n\nlines\tand  spaces", "two lines and spaces"),
        ("日本語 and émoji 🏮", "日本語 and émoji 🏮"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_markup_links_and_controls_leave_only_their_words(text: str, words: str) -> None:
    assert plain(text) == words


@given(st.text(alphabet=st.sampled_from("<>[]()!`~*_#\n ab:/.\x00\u202e"), max_size=300))
def test_no_text_brings_an_angle_bracket_a_control_character_or_a_second_line(text: str) -> None:
    words = plain(text)
    assert not set(words) & set("<>\n\r\t\x00\u202e")
    assert words == words.strip()
    assert "  " not in words


@pytest.mark.parametrize("unit", ["[](", "![](a ", "[a][", "<a", "```a\n", "~~~\n", "x\n```", "(", "[", "*_", "\n"])
def test_text_made_to_be_slow_is_read_to_its_end(unit: str) -> None:
    """Would hang for minutes if a pattern went back over what it has read: a time-out of the run tells."""
    assert "<" not in plain(unit * (100_000 // len(unit)))


def test_the_first_three_sentences_are_kept() -> None:
    assert sentences("One. Two! Three? Four.") == "One. Two! Three?"


def test_a_last_sentence_without_an_end_gets_a_full_stop() -> None:
    assert sentences("One. Two") == "One. Two."


def test_sentences_of_other_scripts_end_too() -> None:
    assert sentences("これは本です。 それも。") == "これは本です。 それも。"


def test_a_sentence_that_does_not_fit_is_left_out() -> None:
    assert sentences("Short one. " + "long " * 200) == "Short one."


def test_one_endless_sentence_is_cut_between_words() -> None:
    text = sentences("word " * 1_000)
    assert len(text) <= 600
    assert text.endswith("word…")


def test_one_endless_word_is_cut() -> None:
    text = sentences("x" * 10_000)
    assert len(text) == 600
    assert text.endswith("…")


@pytest.mark.parametrize("text", ["", "   ", "<b></b>", "![](https://img.example/a.png)", "https://only.example/a"])
def test_markup_without_words_is_no_sentence(text: str) -> None:
    assert sentences(text) == ""


@given(st.text(max_size=2_000))
def test_sentences_are_bounded(text: str) -> None:
    assert len(sentences(text)) <= 601
