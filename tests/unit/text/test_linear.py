"""Whatever a text is made of, it takes time by its size, and what comes out is bounded by it.

By the seconds of this process, not by the clock: a ratio of doublings, where the square would give twice as much."""

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from integrations.github.mapping import places
from kit.text.absolute import absolutise
from kit.text.decode import decode
from kit.text.plain import as_markdown
from kit.text.render import MAX_SAFE_CHARS, render
from tests.unit.text.hostile import HOSTILE, Text

PLACES = places("https://github.com/o/r", "main", "README.md")
FUNCTIONS: dict[str, Callable[[str], str]] = {
    "rendered": lambda text: render(text, "markdown"),
    "as its upstream's HTML": lambda text: render("", "rst", text),
    "as it is written": lambda text: render(text, "plain"),
    "made absolute": lambda text: absolutise(text, PLACES.resolve),
    "as Markdown": as_markdown,
    "decoded": lambda text: decode(text.encode("utf-16-le") + b"\xff"),
    "decoded by its looks": lambda text: decode(text.encode("cp1252", "replace") + b"\xe4\xf6 \xfc\x80"),
}
PARSING = ("rendered", "as its upstream's HTML", "made absolute")
# Of which some parser takes the square
WORST = (
    *map(repr, (">", "<div>", "<ul><li>", "&", "&#", "# a\n", "mailto:a@b.c", "</b><p>", "](", '<a b="', "src ")),
    "many attributes", "a wide table of short rows", "formats that reach over paragraphs", "an address of brackets",
    "substitutions",
)  # fmt: skip
NEVER_MIND = 0.02  # seconds, in which anything may happen


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    """As in a worker: millions of pieces are no reason to look through them again and again."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def seconds(function: Callable[[str], str], text: str) -> float:
    began = time.process_time()
    made = function(text)
    took = time.process_time() - began
    assert len(made) <= max(MAX_SAFE_CHARS, 120 * len(text))
    return took


def check(function: Callable[[str], str], hostile: Text, size: int, times: int) -> None:
    """The square would take `times` as long again."""
    few, many = hostile(size), hostile(size * times)
    for _ in range(3):  # somebody else may have had the processor's caches
        short, long = seconds(function, few), seconds(function, many)
        if long <= NEVER_MIND or long <= short * times * 2.2:
            return
    pytest.fail(f"{short:.3f} s for {size} characters, {long:.3f} s for {times} times as many")


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("hostile", WORST)
def test_a_text_made_to_be_slow_is_not(name: str, hostile: str) -> None:
    check(FUNCTIONS[name], HOSTILE[hostile], 4_096, 8)
