"""Whatever an upstream or a model writes, a page gets words; and of words, each letter."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.extractive import extract
from services.analyzer.plain import plain, sentences
from tests.unit.analyzer.items import item
from tests.unit.text.payloads import PAYLOADS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**bold** and `code`", "bold and code"),
        ("# Title\n> quoted\n- listed", "Title quoted listed"),
        ("see [the docs](https://docs.example/a) now", "see the docs now"),
        ("see [it](https://w.example/A_(b)) now", "see it now"),
        ("![badge](https://img.example/b.svg) text", "text"),
        ("[win](javascript:alert(1)) now", "win now"),
        ("<script>alert(1)</script>hello", "hello"),
        ("a <b onclick='x'>b</b> c", "a b c"),
        ("before\n```\nrm -rf /\n```\nafter", "before after"),
        ("before\n~~~ sh\nnever closed", "before"),
        ("AT&amp;T &copy; &#8212; two", "AT&T © — two"),
        ("nul\x00 bell\x07 esc\x1b[31m", "nul bell esc [31m"),
        ("half \ud800 **of** one", "half of one"),
        ("right\u202eto left, zero\u200bwidth", "right to left, zero width"),
        ("two\n\n\nlines\tand  spaces", "two lines and spaces"),
        ("日本語 and émoji 🏮", "日本語 and émoji 🏮"),
        ("- a dash first", "a dash first"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_markup_links_and_controls_leave_only_their_words(text: str, words: str) -> None:
    assert plain(text) == words


@pytest.mark.parametrize(
    "line",
    [
        "Parses load_json and the __enter__ hook of a page_index",
        "_private, __dunder__ and trailing_",
        "F* and G*",
        "C#, F#, C++ and .NET",
        "Vec<T> and Map<String, List<T>>",
        "std::vector<std::string> & co",
        "Copies <source-file> to <target>",
        "a < b and c > d, x -> y",
        "x**2 + y**2, 3*4*5",
        "5~10~15 minutes",
        "*.py files, **kwargs",
        "1. FC and 2. FC",
        "Draws | and / and [x]",
        "C:\\temp and \\d+",
        "R&D at @scope/name",
        "std::fmt:: and 10:30:00",
    ],
)
def test_identifiers_and_signs_stay_as_they_are_written(line: str) -> None:
    assert plain(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "For the 👩‍🚀 and the 👨‍👩‍👦 at home",
        "A ❤️‍🔥 for 🧑🏽‍💻 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "یک کتابخانه‌ی ساده می‌سازد",
        "ශ්‍රී ලංකාව",
        "क्‍ष और र्‍य",
        "മലയാളം ന്‍",
    ],
)
def test_joiners_stay_where_they_make_a_letter_or_an_emoji(line: str) -> None:
    assert plain(line) == line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("zero\u200dwidth pass\u200cword", "zerowidth password"),
        ("\u200dbegins and ends\u200d", "begins and ends"),
        ("soft\xadhyphen", "softhyphen"),
        ("hidden\U000e0068\U000e0069 tags", "hidden tags"),
        ("hi\U000e0100\U000e0101dden", "hidden"),
        ("葛\U000e0100城", "葛\U000e0100城"),
    ],
)
def test_what_hides_between_letters_is_gone(line: str, words: str) -> None:
    assert plain(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":sparkles: Sorts mail, :heavy_check_mark: by rules", "✨ Sorts mail, ✔️ by rules"),
        ("Made with :heart: and :coffee:", "Made with ❤️ and ☕"),
        (":octocat: Lists issues :shipit:", "Lists issues"),
        ("A :+1: for :man_technologist:", "A 👍 for 👨‍💻"),
        ("Keeps a::b, :nothing-known: and 12:30:15", "Keeps a::b, :nothing-known: and 12:30:15"),
    ],
)
def test_shortcodes_are_the_emoji_that_they_name(line: str, words: str) -> None:
    assert plain(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A quick mail client https://mail.example", "A quick mail client"),
        ("A quick mail client (https://mail.example)", "A quick mail client"),
        ("A quick mail client - docs: https://mail.example/docs", "A quick mail client"),
        ("A quick mail client. See www.mail.example for more.", "A quick mail client."),
        ("Docs at https://mail.example", ""),
        ("go to https://evil.example/?a=b today", ""),
        ("write to me@mail.example", ""),
        ("https://mail.example - a quick mail client", "a quick mail client"),
        ("<https://mail.example>", ""),
        ("javascript:alert(1)", ""),
        ("[Docs](https://a.example) and [more](https://b.example)", "Docs and more"),
        ("看 https://mail.example 吧", ""),
    ],
)
def test_an_address_that_is_left_out_leaves_no_stump(line: str, words: str) -> None:
    assert plain(line) == words


_TAG_OF_HTML = re.compile(r"</?(?:script|img|svg|a|b|iframe|style|p|div)(?![\w.:-])|<[a-z/!?][^<>]*=", re.I)


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "<img src=x onerror=alert(1)",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "`<svg onload=alert(1)>` in code",
        "<x onclick=alert(1)>",
        "<<script>script>alert(1)<</script>/script>",
        "<scr\u200dipt>alert(1)",
        "&#x3C;iframe src=//evil.example&#x3E;",
        "<svg/onload=alert(1)>",
        "<a\nhref=x>",
        "\ue003script\ue003 and \ue000 marks of our own",
    ],
)
def test_nothing_would_be_a_tag_to_whoever_forgets_to_escape_it(text: str) -> None:
    assert not _TAG_OF_HTML.search(plain(text))
    assert not set(plain(text)) & set("\ue000\ue001\ue002\ue003\ue004\ue005")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_of_a_repository_is_words_wherever_it_stands(payload: str) -> None:
    for fields in (
        {"description": payload, "text": ""},
        {"description": "", "text": f"Sorts mail. {payload}"},
        {"description": "", "text": "", "title": payload},
        {"topics": (payload[:60], "mail"), "language": payload[:60]},
    ):
        analysis = extract(item(**fields))
        for words in (analysis.description, *analysis.technologies):
            assert not _TAG_OF_HTML.search(words)
            assert not re.search(r"(?:java|vb)script:", words, re.I)


@given(st.text(alphabet=st.sampled_from("<>[]()!`~*_#\n ab:/.&;=\x00\u202e\u200d\ue000\ue003"), max_size=300))
def test_no_text_brings_a_tag_a_control_character_or_a_second_line(text: str) -> None:
    words = plain(text)
    assert not _TAG_OF_HTML.search(words)
    assert not set(words) & set("\n\r\t\x00\u202e\ue000\ue003")
    assert words == words.strip()
    assert "  " not in words


SLOW = {
    "links": "[](", "pictures": "![](a ", "references": "[a][", "tags": "<a", "generics": "a<T ", "fences": "```a\n",
    "strong": "*_", "quotes": "> ", "deep quotes": ">", "lists": "- a\n", "nested": "> - ", "tables": "|a|\n|-|\n",
    "wide table": "|a" * 500 + "|\n" + "|-" * 500 + "|\n" + "a\n" * 200, "elements": "<div>",
    "lists of HTML": "<ul><li>",    "footnotes": "[^a]: b\n\n[^a]",
    "definitions": "[a]: b\n", "addresses": "http://a.b ", "brackets": "(http://a.b ",
    "mail": "a.a.a@a.a.", "joiners": "\u200d", "flags": "\U0001f3f4", "underscores": "_", "colons": ":a", "ends": "A. ",
    "breaks": "a<br>", "headings": "# a\n\n", "comments": "<!-- ", "front matter": "---\na: b\n", "spaces": " ",
    "cjk": "请。",
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_time_does_not_grow_faster_than_a_hostile_text(name: str) -> None:
    """Up to 1 MiB. The small text is long enough to be measured, and the factor generous on a busy machine."""
    unit = SLOW[name]

    def seconds(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        began = time.process_time()
        plain(text)
        sentences(text)
        return time.process_time() - began

    small = max(seconds(32_768), 0.01)
    assert seconds(1_048_576) < 32 * small


def test_the_first_three_sentences_are_kept() -> None:
    assert sentences("One. Two! Three? Four.") == "One. Two! Three?"


def test_a_sentence_that_does_not_fit_is_left_out() -> None:
    assert sentences("Short one. " + "Long " * 200) == "Short one."


def test_one_endless_sentence_is_cut_between_words() -> None:
    text = sentences("word " * 1_000)
    assert len(text) <= 600
    assert text.endswith("word…")


def test_one_endless_word_is_cut() -> None:
    text = sentences("x" * 10_000)
    assert len(text) == 600
    assert text.endswith("…")


@pytest.mark.parametrize(
    "text", ["", "   ", "<b></b>", "![](https://img.example/a.png)", "https://only.example/a", "?"]
)
def test_markup_without_words_is_no_sentence(text: str) -> None:
    assert sentences(text) in ("", "?")


@given(st.text(max_size=2_000))
def test_sentences_are_bounded(text: str) -> None:
    assert len(sentences(text)) <= 601
