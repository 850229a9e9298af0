"""Sentences of any script."""

import pytest

from services.analyzer.sentences import cut, ended, joined, split


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Clouds (e.g. AWS, Azure etc.) and iron. Free.", ["Clouds (e.g. AWS, Azure etc.) and iron.", "Free."]),
        ("Prints Hello! to the log. Ends.", ["Prints Hello! to the log.", "Ends."]),
        ("Runs on Node.js 20.1 now. Fast.", ["Runs on Node.js 20.1 now.", "Fast."]),
        ("By J. R. Hartley. Old.", ["By J. R. Hartley.", "Old."]),
        ("これは本です。それも。", ["これは本です。", "それも。"]),
        ("快！好吗？", ["快！", "好吗？"]),
        ("यह किताब है। वह भी।", ["यह किताब है।", "वह भी।"]),
        ("هل هذا كتاب؟ نعم.", ["هل هذا كتاب؟", "نعم."]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_a_line_is_split_where_its_sentences_end(line: str, found: list[str]) -> None:
    assert split(line) == found


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("No end", "No end."),
        ("An end!", "An end!"),
        ("In brackets (here)", "In brackets (here)."),
        ("Hanging -", "Hanging."),
        ("Listed:", "Listed."),
        ("松鼠笔记", "松鼠笔记。"),
        ("यह किताब है", "यह किताब है।"),
        ("ภาษาไทย", "ภาษาไทย"),
        ("도토리", "도토리."),
        ("Rocket 🚀", "Rocket 🚀"),
        ("C++", "C++."),
        ("—", ""),
    ],
)
def test_a_sentence_ends_with_the_sign_of_its_script(line: str, whole: str) -> None:
    assert ended(line) == whole


def test_sentences_are_joined_as_their_script_does_it() -> None:
    assert joined(["一。", "二。"]) == "一。二。"
    assert joined(["One.", "Two."]) == "One. Two."


@pytest.mark.parametrize("letter", ["👨‍👩‍👧‍👦", "é", "क्‍ष", "🧑🏽‍💻"])
def test_no_letter_is_cut_in_two(letter: str) -> None:
    line = letter * 20
    for most in range(30, 60):
        kept = cut(line, most).removesuffix("…")
        assert not line[len(kept) :] or line[len(kept)] not in "\u200d\u0301\u094d"
        assert not kept.endswith("\u200d")
