"""Plain text shown as it is: in Markdown, with its lines, columns and addresses."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kit.text.plain import as_markdown


@given(st.text(max_size=60) | st.text(alphabet=st.sampled_from("#*_`[]<>!-+=|~\\&.1) ahttps:/\n"), max_size=60))
def test_escaped_text_shows_as_it_was_written(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").enable("strikethrough").render(as_markdown(text))
    assert not re.search(r"<(?!/?(p|br|a)\b)", rendered)
    shown = html.unescape(re.sub(r"<[^>]*>", "", rendered))
    assert "".join(shown.split()) == "".join(text.replace("\x00", "\ufffd").split())


def test_escaped_text_keeps_lines_and_links() -> None:
    assert as_markdown("a\nb\n\n1. c https://x.example/a_b.") == "a  \nb\n\n1\\. c <https://x.example/a_b>."
