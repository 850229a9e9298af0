"""Nothing that runs comes out, however it came in: checked on the tree that a browser would build."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from integrations.github.mapping import places
from integrations.youtube.mapping import to_item
from kit.text.document import read
from kit.text.lexer import pieces
from kit.text.policy import attributes
from kit.text.render import render, safe, sanitised
from kit.text.tidy import TAGS, tidy, written
from schemas.content import Analysis, Item, ProjectType, TextBlock
from schemas.events import Options
from services.transformer.handler import draft
from tests.unit.text.payloads import PAYLOADS, SCRIPTS

PLACES = places("https://github.com/o/r", "main", "README.md")
SHOWN = {
    "abbr",
    "align",
    "alt",
    "aria-hidden",
    "aria-label",
    "checked",
    "class",
    "colspan",
    "datetime",
    "dir",
    "disabled",
    "headers",
    "height",
    "href",
    "id",
    "lang",
    "media",
    "name",
    "open",
    "rel",
    "reversed",
    "rowspan",
    "scope",
    "sizes",
    "src",
    "srcset",
    "start",
    "title",
    "type",
    "valign",
    "value",
    "width",
}


def check(html: str) -> None:
    tree = LexborHTMLParser(html)
    assert tree.body is not None
    assert tree.head is None or not tree.head.css("*")[1:]
    for node in tree.body.css("*")[1:]:
        assert node.tag in TAGS, html
        given = node.attributes
        assert set(given) <= SHOWN, html
        for name in ("href", "src"):
            if (address := given.get(name)) is not None:
                assert re.match(r"https?://[^/\\\s]|mailto:|#$|#user-content-", address), html
        for candidate in (given.get("srcset") or "").split(", "):
            assert not candidate or re.match(r"https?://", candidate), html
        for name in ("id", "name"):
            assert (given.get(name) or "user-content-").startswith("user-content-"), html
        if node.tag == "a":
            assert given.get("rel") == "noopener nofollow ugc"
        if node.tag == "input":
            assert given.get("type") == "checkbox"
            assert "disabled" in given


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_does_not_run(payload: str) -> None:
    for around in ("{}", "# {}", "> {}", "- a\n- {}", "<div>\n\n{}", "<b><p>{}", "<table><tr><td>{}", "a {} b"):
        check(render(around.replace("{}", payload), "markdown"))
    check(render(payload, "plain"))
    check(render("", "rst", payload))
    check(render("", "rst", f"<div><p>{payload}</p></div>"))
    check(safe(payload, PLACES.resolve))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_does_not_run_on_its_whole_way_from_a_readme(payload: str) -> None:
    for text_format in ("markdown", "plain", "rst"):
        text = read(payload.encode(), text_format, PLACES, payload.encode())
        check(render(text.content, text.format, text.html))


@pytest.mark.parametrize("payload", [*PAYLOADS, *SCRIPTS])
def test_a_payload_in_title_description_or_topics_is_in_no_html(payload: str) -> None:
    snippet = {"title": payload, "description": payload, "tags": [payload, f"<b>{payload}"]}
    item: Item = to_item({"id": "abcdefghijk", "snippet": snippet})
    analysis = Analysis(description=payload, technologies=("x",), project_type=ProjectType.VIDEO, source="model")
    project = draft(item, analysis, Options())
    texts = [block for block in project.content.blocks if isinstance(block, TextBlock)]
    for text in texts:
        html = render(text.content, text.format, text.html)
        check(html)
        shown = LexborHTMLParser(html)
        assert not shown.css("img, table, ul, ol, code, blockquote, em, strong, del"), "it is shown as plain text"


# A picture's `srcset` runs nothing, whatever it says; one of the two leaves it alone.
RUNS = re.compile(r"(java|vb|live)script:|data:text|srcdoc", re.IGNORECASE)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_either_of_two_parsers_alone_would_have_kept_it_from_running(payload: str) -> None:
    for html in (written(tidy(pieces(payload), attributes()), 100_000), sanitised(payload)):
        for node in LexborHTMLParser(html).css("*"):
            assert node.tag in TAGS | {"html", "head", "body", "-text"}
            for name, value in node.attributes.items():
                assert name in SHOWN
                assert name in ("alt", "title", "srcset") or not RUNS.search(value or "")


@pytest.mark.parametrize(
    "payload", ["<img src=x onerror=alert(1)>", "<a href=javascript:x rel=ugc>", "<p id=x>", "<script>"]
)
def test_what_runs_would_be_seen(payload: str) -> None:
    with pytest.raises(AssertionError):
        check(payload)


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) >= 300


SOUP = st.text(alphabet=st.sampled_from("<>/=\"'`!-&;:#*_[]()|~\\ \n\tabiphrefsrcjsoncl1"), max_size=80)
PIECES = st.lists(
    st.sampled_from(
        [
            "<b>",
            "</b>",
            "<p>",
            "</p>",
            "<a href=x>",
            "<a href='https://x.example'>",
            "</a>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "<li>",
            "<ul>",
            "</ul>",
            "<div>",
            "</div>",
            "x",
            "&lt;",
            "&",
            "<",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<svg>",
            "<h1>",
            "<details>",
            "<summary>",
            "\n",
            "<img src=https://x.example/a>",
            "<style>",
            "<title>",
            "</title>",
            "<math>",
            "<select>",
        ]
    ),
    max_size=25,
).map("".join)


@given(SOUP | PIECES)
def test_any_html_comes_out_safe_and_the_same_again(html: str) -> None:
    once = safe(html)
    check(once)
    assert safe(once) == once


@given(SOUP | PIECES)
def test_any_markdown_comes_out_safe(markdown: str) -> None:
    check(render(markdown, "markdown"))
    check(render(read(markdown.encode(), "markdown", PLACES).content, "markdown"))
