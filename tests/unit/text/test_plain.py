"""Plain text shown as it is: in Markdown, with its lines, columns and addresses."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kit.text.plain import addresses, as_markdown


@given(st.text(max_size=60) | st.text(alphabet=st.sampled_from("#*_`[]<>!-+=|~\\&.1) ahttps:/\n"), max_size=60))
def test_escaped_text_shows_as_it_was_written(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").enable("strikethrough").render(as_markdown(text))
    assert not re.search(r"<(?!/?(p|br|a)\b)", rendered)
    shown = html.unescape(re.sub(r"<[^>]*>", "", rendered))
    assert "".join(shown.split()) == "".join(text.replace("\x00", "\ufffd").split())


def test_escaped_text_keeps_lines_and_links() -> None:
    assert as_markdown("a\nb\n\n1. c https://x.example/a_b.") == "a  \nb\n\n1\\. c <https://x.example/a_b>."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("First https://v.example/kayak00_", ["https://v.example/kayak00_"]),
        ("https://v.example/oar__ and https://v.example/keel-.", ["https://v.example/oar__", "https://v.example/keel-"]),
        ("https://w.example/Keel_(boat) first", ["https://w.example/Keel_(boat)"]),
        ("(See https://v.example/logbook too.)", ["https://v.example/logbook"]),
        ("(or https://w.example/Keel_(boat))", ["https://w.example/Keel_(boat)"]),
        ("[https://w.example/a[1]], {https://w.example/b}!", ["https://w.example/a[1]", "https://w.example/b"]),
        ("“https://v.example/a” and «https://v.example/b»", ["https://v.example/a", "https://v.example/b"]),
        ("‘https://v.example/a’…", ["https://v.example/a"]),
        ("地図（https://v.example/地図）は「https://v.example/b」。", ["https://v.example/地図", "https://v.example/b"]),
        ("見て：https://v.example/a。次は、https://v.example/b、", ["https://v.example/a", "https://v.example/b"]),
        ("https:// and http://)", []),
    ],
)  # fmt: skip
def test_an_address_is_whole_and_no_more(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in addresses(text)] == found
