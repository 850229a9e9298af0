"""Which texts are worked on at once, and what comes of those that a worker fails at."""

import pytest

from kit.text.render import bare
from kit.text.service import MOST_CELLS, MOST_FOOTNOTES, SMALL, TextService
from kit.workers.pool import WorkerFailedError


async def failing(task: str, /, **arguments: object) -> object:
    raise WorkerFailedError("killed")


@pytest.mark.parametrize("text", ["# A heading", "|a|b|\n|-|-|\n|1|2|\n" * 20, "A word[^1].\n\n[^1]: And a note."])
async def test_a_small_text_needs_no_worker(text: str) -> None:
    assert await TextService(failing).render(text, "markdown") == await TextService().render(text, "markdown")


@pytest.mark.parametrize(
    "text",
    [
        "|a" * MOST_CELLS + "|\n" + "|-" * MOST_CELLS + "|\n" + "|\n" * 1_000,
        "[^1]" * (MOST_FOOTNOTES + 1) + "\n\n[^1]: a note",
        "word " * SMALL,
    ],
)
async def test_a_text_that_may_grow_or_is_not_small_is_a_workers(text: str) -> None:
    assert await TextService(failing).render(text, "markdown") == bare(text)
