"""Markdown leaves home with absolute links and without dangerous ones; plain text stays plain."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from integrations.github.mapping import places
from kit.text.absolute import absolutise
from kit.text.markdown import to_html

PLACES = places("https://github.com/o/r", "main", "docs/README.md")
PAGE = "https://github.com/o/r/blob/main"
RAW = "https://github.com/o/r/raw/main"


def absolute(text: str) -> str:
    return absolutise(text, PLACES.resolve)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[a](b.md)", f"[a]({PAGE}/docs/b.md)"),
        ("[a](./b.md#c)", f"[a]({PAGE}/docs/b.md#c)"),
        ("[a](../LICENSE)", f"[a]({PAGE}/LICENSE)"),
        ("[a](/LICENSE)", f"[a]({PAGE}/LICENSE)"),
        ("[a](../../../issues)", "[a](https://github.com/o/r/issues)"),
        ("[a](//x.example/y)", "[a](https://x.example/y)"),
        ('[a](b.md "title")', f'[a]({PAGE}/docs/b.md "title")'),
        ("[a](<b c.md>)", f"[a](<{PAGE}/docs/b%20c.md>)"),
        ("[a](b(1).md)", f"[a]({PAGE}/docs/b(1).md)"),
        ("[a]( b.md )", f"[a]( {PAGE}/docs/b.md )"),
        ("[a\nb](c)", f"[a\nb]({PAGE}/docs/c)"),
        ("[日本](日本.md)", f"[日本]({PAGE}/docs/%E6%97%A5%E6%9C%AC.md)"),
        ("![a](b.png)", f"![a]({RAW}/docs/b.png)"),
        ("![a](/b.png)", f"![a]({RAW}/b.png)"),
        ("![a](../../../raw/x/b.png)", "![a](https://github.com/o/r/raw/x/b.png)"),
        ("![a](https://github.com/o/r/blob/x/b.png)", "![a](https://github.com/o/r/raw/x/b.png)"),
        ("[![a](b.svg)](c.md)", f"[![a]({RAW}/docs/b.svg)]({PAGE}/docs/c.md)"),
        ("[![a](../../../runs/b.svg)](../../../runs)", "[![a](https://github.com/o/r/runs/b.svg)](https://github.com/o/r/runs)"),
        ("[a]\n\n[a]: b.md", f"[a]\n\n[a]: {PAGE}/docs/b.md"),
        ('[a]\n\n[a]: b.md "A title"', f'[a]\n\n[a]: {PAGE}/docs/b.md "A title"'),
        ("![x][a]\n\n  [a]:\n b.png 'title'", f"![x][a]\n\n  [a]:\n {RAW}/docs/b.png 'title'"),
        ('<img src="b.png" width=9>', f'<img src="{RAW}/docs/b.png" width=9>'),
        ("<IMG\n SRC='b.png'>", f"<IMG\n SRC='{RAW}/docs/b.png'>"),
        ("<img alt='a>b' src=b.png>", f"<img alt='a>b' src=\"{RAW}/docs/b.png\">"),
        ('<a href="b.md?x=1&amp;y=2">', f'<a href="{PAGE}/docs/b.md?x=1&amp;y=2">'),
        ("![a](b.png) \\[b](c)", f"![a]({RAW}/docs/b.png) \\[b](c)"),
        ("[a](b.md?x=1&copy=2)", f"[a]({PAGE}/docs/b.md?x=1&copy=2)"),
        ("[a](../../../new?b=1&section=2&lt=3)", "[a](https://github.com/o/r/new?b=1&section=2&lt=3)"),
        ("[a](b.md?x=1&amp;y=2)", f"[a]({PAGE}/docs/b.md?x=1&y=2)"),
        ("[a](b.md?x=&copy;)", f"[a]({PAGE}/docs/b.md?x=%C2%A9)"),
        ("[a](b.md?x=&amp;copy;)", f"[a]({PAGE}/docs/b.md?x=&amp;copy;)"),
        ('<a href="b.md?x=1&copy=2">', f'<a href="{PAGE}/docs/b.md?x=1&amp;copy=2">'),
        (r"[a](b\_c.md)", f"[a]({PAGE}/docs/b_c.md)"),
        ("> [a](\n> b.md)", f"> [a](\n> {PAGE}/docs/b.md)"),
        ("- [a](b.md)\n  - <img src=c.png>", f'- [a]({PAGE}/docs/b.md)\n  - <img src="{RAW}/docs/c.png">'),
        ("|a|\n|-|\n|[b](c.md)|", f"|a|\n|-|\n|[b]({PAGE}/docs/c.md)|"),
        ("> [!NOTE]\n> [a](b.md)", f"> [!NOTE]\n> [a]({PAGE}/docs/b.md)"),
        ("[^1]\n\n[^1]: [a](b.md)", f"[^1]\n\n[^1]: [a]({PAGE}/docs/b.md)"),
        ("[a][x] ![b][x]\n\n[x]: c.png", f"[a][x] ![b][x]\n\n[x]: {RAW}/docs/c.png"),
        ("![a](/o/r/raw/main/b.png)", f"![a]({RAW}/b.png)"),
        ("[a](/o/r/issues/1)", "[a](https://github.com/o/r/issues/1)"),
        ('<video poster="b.png" src="c.mp4">', f'<video poster="{RAW}/docs/b.png" src="{RAW}/docs/c.mp4">'),
        ('<img srcset="https://x.example/w_1,h_2/a.png 1x, b.png 2x" src=c.png>',
         f'<img srcset="https://x.example/w_1,h_2/a.png 1x, {RAW}/docs/b.png 2x" src="{RAW}/docs/c.png">'),
        ('<source srcset="a.png 1x, b.png 2x">', f'<source srcset="{RAW}/docs/a.png 1x, {RAW}/docs/b.png 2x">'),
    ],
)  # fmt: skip
def test_relative_becomes_absolute(before: str, after: str) -> None:
    assert absolute(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://x.example/y?z=1#w)",
        "[a](#usage)",
        "[a](mailto:a@x.example)",
        "[a]()",
        "[a](<>)",
        "[a]: unused.md",
        "[2031-04-01]: The second edition is out.\n[2030-11-12]: First words.",
        "Words before it\n[later]: summer",
        "Words:\n\n    see [the guide](docs/guide.md)\n    <img src='art/leaf.png'>",
        "<!-- [a](b.md) <img src='b.png'> -->",
        """<img alt='x" src=b.png y="'>""",
        "<img title='<a href=b.md>'>",
        "<script>\nvar x = '[a](b.md)';\n</script>",
        "\\[a](b.md)",
        "[a] (b.md)",
        "[a](b c.md)",
        "[a]:\n***",
        "[a]:\n<div>",
        "[a][b] and [c]",
        "- [ ] to do\n- [x] done",
        "[^1]: a footnote",
        "`[a](b.md)` and ``[a](`b.md)``",
        "`<a href='b.md'>`",
        "```\n[a](b.md)\n```",
        "~~~~ html\n<img src='b.png'>\n\n~~~\n[a](b.md)\n~~~~",
        "- item\n\n  ```\n  [a](b.md)\n  ```",
        "> ```\n> [a](b.md)\n> ```",
        "``` never closed\n\n[a](b.md)",
        r"\[a] is no link and \`b\` no code",
        '<img src="https://x.example/a.png?b=1&c=2">',
        "a ` lone tick",
        "<https://x.example/[a](b)>",
        "\n\n\n",
        "",
    ],
)
def test_left_as_it_is(text: str) -> None:
    assert absolute(text) == text


def test_links_after_code_are_seen_again() -> None:
    assert absolute("```\n[a](b)\n```\n[a](b)") == f"```\n[a](b)\n```\n[a]({PAGE}/docs/b)"
    assert absolute("`` ` `` [a](b)") == f"`` ` `` [a]({PAGE}/docs/b)"
    assert absolute("a ` b\n\n[a](b) ` c") == f"a ` b\n\n[a]({PAGE}/docs/b) ` c"


SCRIPT = "javascript:alert(f(g(1)))"


@pytest.mark.parametrize(
    "hostile",
    [
        f"[a]({SCRIPT})",
        "[a](JaVaScRiPt:alert(1))",
        f"[a](<{SCRIPT}>)",
        f"[a]( \n{SCRIPT})",
        f"![a]({SCRIPT})",
        "[a](javascript&colon;alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](javascript\\:alert(1))",
        "[a](\x01javascript:alert(1))",
        "[a](vbscript:x)",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![a](data:image/svg+xml,x)",
        "[a](file:///etc/passwd)",
        f"[a]: {SCRIPT}",
        f"[a]:\n {SCRIPT}\n\n[a]",
        f"<{SCRIPT}>",
        f'<a href="{SCRIPT}">a</a>',
        f"<a href={SCRIPT}>a</a>",
        f'<a title="<" href="{SCRIPT}">a</a>',
        "<a href='  java\nscript:alert(1)'>a</a>",
        "<a href='java&Tab;script:alert(1)'>a</a>",
        f"<form action='{SCRIPT}'><iframe src='{SCRIPT}'>",
        f"<svg:a href='{SCRIPT}'>",
    ],
)
def test_a_dangerous_link_leads_nowhere(hostile: str) -> None:
    for parse in (MarkdownIt("commonmark").render, to_html):
        for node in LexborHTMLParser(parse(absolute(hostile))).css("*"):
            for value in node.attributes.values():
                plain = re.sub(r"[\x00-\x20]", "", value or "").lower()
                assert not re.match(r"(javascript|vbscript|data|file):", plain), absolute(hostile)


@given(st.text(alphabet=st.sampled_from("[]()!<>`\\\n \"'#:a.~&=/-"), max_size=80))
def test_any_text_goes_through(text: str) -> None:
    assert isinstance(absolute(text), str)


@pytest.mark.parametrize(
    "unit", ["[", "](", "![", "[a](b", "<a ", '<a "', "` ``", "[a]:", "\\", "~~~\n", "\n", "<a:", "<a b='c' "]
)
def test_a_megabyte_of_anything_goes_through(unit: str) -> None:
    assert absolute(unit * (1_000_000 // len(unit)))
