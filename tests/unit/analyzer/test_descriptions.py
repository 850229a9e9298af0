"""What a page says of a repository that nobody described and no model: whole READMEs, and what comes of them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.content import Item
from services.analyzer.extractive import describe, extract
from services.analyzer.prose import WINDOWS
from services.analyzer.tree import html_blocks
from tests.unit.analyzer.items import item
from tests.unit.analyzer.test_plain import SLOW

READMES = Path(__file__).parent / "readmes"
SAID = {
    "alert_first.md": "Oldmill keeps copies of web pages that are about to vanish.",
    "badge_wall.md": "Fernwheel schedules jobs on machines that come and go. It needs no database.",
    "chinese.md": "松鼠笔记是一个轻量的本地笔记工具，支持全文搜索。所有数据都保存在本机！",
    "code_first.md": "Gullwing folds JSON documents so that people can read them.",
    "comment_template.md": "Lowtide finds the cheapest hour to run a batch job. It reads prices from the grid.",
    "entities.md": "Salt & Pepper™ — a scheduler for kitchens small ones that don't like paper.",
    "footnotes.md": "Peatbog stores measurements of soil for decades.",
    "front_matter.md": "Harbourlight draws the lights of harbours as a map.",
    "hebrew.md": "אלון הוא כלי קטן לניהול רשימות קניות. הוא עובד גם בלי רשת.",
    "hostile.md": "Nettle checks links in documents.",
    "html_only.md": "A tiny static site generator that you can read in an evening.",
    "identifiers.md": "Quillc wraps read_csv and __init__ for F*, C# and Vec<T>; it compiles Map<String, List<T>>.",
    "japanese.md": "どんぐりは、森の写真を整理するためのコマンドラインツールです。設定なしで使えます。",
    "korean.md": "도토리는 작은 팀을 위한 일정 관리 서버입니다. 설정 파일 하나로 동작합니다.",
    "nothing_said.md": "lanterns, written in Rust.",
    "one_line.md": "Turns a folder of recipes into a shopping list.",
    "only_a_title.md": "Fernwood: a game of moss and stones.",
    "only_lists.md": "Predicts tides for any harbour from open data. Works offline, on a phone or on a boat.",
    "persian.md": "بلوط کتابخانه‌ای کوچک برای نمایش نمودارها است. این کتابخانه بدون وابستگی کار می‌کند.",
    "plain.txt": "Raingauge reads the sensors of a weather station and keeps their values.",
    "rule_first.md": "Quarry cuts large files into pieces that fit a message.",
    "shortcodes.md": "🚀 Seedbox grows test data from a schema, ✅ on any machine.",
    "sinhala.md": "ශ්‍රී ලංකාවේ වනාන්තර ගණනය කරන මෙවලමකි. එය නොමිලේ භාවිතා කළ හැකිය.",
    "source.adoc": "Driftwood turns calendars into plain text files.",
    "source.rst": (
        "Kelpforest watches a folder and copies what changes in it. It is tested on Some CI; kelp -h tells more."
    ),
    "stumps.md": "Waypost shows hikers where they are. It works without a signal.",
    "table_first.md": "Gridlock simulates traffic in small towns.",
    "tagline.md": "Logs that light up. Lampwick colours the lines of a log by what they mean.",
    "toml_front_matter.md": "Mill grinds log files into small summaries.",
}


def readme(name: str) -> Item:
    one = item(description="", text=(READMES / name).read_text(encoding="utf-8"))
    suffix = Path(name).suffix
    return one if suffix == ".md" else in_format(one, suffix[1:])


def in_format(one: Item, markup: str, html: str | None = None) -> Item:
    """As an item says in what it is written, and how its upstream shows it."""
    return one.model_copy(update={"text_format": markup, "text_html": html})


def test_every_readme_here_is_tried() -> None:
    assert {path.name for path in READMES.iterdir()} == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_the_description_is_what_its_author_said_first(name: str) -> None:
    assert describe(readme(name)) == SAID[name]


@pytest.mark.parametrize(
    "name", ["front_matter.md", "comment_template.md", "code_first.md", "table_first.md", "badge_wall.md"]
)
def test_lines_that_end_as_on_windows_and_text_far_below_change_nothing(name: str) -> None:
    one = readme(name)
    longer = one.text + "\n\n## More\n\n" + "A long tail. " * 5_000
    assert describe(one.model_copy(update={"text": longer})) == SAID[name]


def test_what_an_upstream_made_of_its_own_markup_is_read_instead_of_it() -> None:
    html = (
        '<div id="readme"><article><h1>Kelp</h1><div class="admonition note"><p>Mind the tide, reader.</p></div>'
        "<p>Kelp watches <code>folders</code> and copies <a href='x'>what changes</a>.</p></article></div>"
    )
    assert describe(in_format(item(description="", text="Kelp\n====\n"), "rst", html)) == (
        "Kelp watches folders and copies what changes."
    )


WHOLE = "It counts acorns in every forest. It keeps the totals for years and years."


@pytest.mark.parametrize("window", [*WINDOWS, *(2 * window for window in WINDOWS)])
@pytest.mark.parametrize("is_html", [False, True])
def test_no_sentence_ends_where_the_reading_ends(window: int, *, is_html: bool) -> None:
    """Whichever of its words the end of a reading comes upon."""
    for size in range(window - 120, window + 20, 3):
        text = f"<!-- {'x' * size} -->\n{WHOLE}" + "\n\n## Usage\n\nRun it.\n" * 9_000
        one = item(description="", text=text)
        one = in_format(one, "rst", text.replace("\n\n", "<p>")) if is_html else one
        assert describe(one) in (WHOLE, WHOLE.split(". ")[0] + ".", "lanterns, written in Rust.")


@pytest.mark.parametrize(
    "text",
    [
        "== Title ==\n\n{{Infobox|name=x}}\n\nIt keeps the tides of a year.",
        "h1. Title\n\n!picture.png!\n\nIt keeps the tides of a year.",
        "* Title\n#+TITLE: x\n\n[[https://x.example][Docs]]\n\nIt keeps the tides of a year.",
        "Title\n-----\n\n.. note:: Mind the tide.\n\nIt keeps the tides of a year.",
    ],
)
def test_of_markup_that_nobody_rendered_the_plain_paragraphs_are_read(text: str) -> None:
    assert describe(in_format(item(description="", text=text), "other")) == "It keeps the tides of a year."


@pytest.mark.parametrize(
    "html",
    [
        "<p>" * 5_000 + "deep",
        "<div>" * 5_000 + "deep",
        "<b>" * 5_000 + "deep",
        "</p>" * 5_000,
        "<a>" * 5_000 + "deep",
        "<",
    ],
)
def test_any_html_is_read_to_its_end(html: str) -> None:
    assert all(block.text for block in html_blocks(html))


@pytest.mark.parametrize("name", SLOW)
def test_time_does_not_grow_with_a_hostile_readme(name: str) -> None:
    """Up to 1 MiB, of Markdown and of HTML; as generous as in `test_plain`."""
    unit = SLOW[name]

    def seconds(size: int, made: Callable[[str], Item]) -> float:
        one = made((unit * (size // len(unit) + 1))[:size])
        began = time.process_time()
        extract(one)
        return time.process_time() - began

    def markdown(text: str) -> Item:
        return item(description="", text=text)

    def html(text: str) -> Item:
        return in_format(item(description=""), "rst", text)

    for made in (markdown, html):
        small = max(seconds(65_536, made), 0.01)
        assert seconds(1_048_576, made) < 16 * small
