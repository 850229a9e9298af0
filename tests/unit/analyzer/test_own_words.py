"""The analysis without a model, of texts that are made to harm whoever reads them."""

import asyncio

from kit.workers.limits import WorkerLimits
from kit.workers.pool import WorkerFailedError, WorkerPool
from schemas.content import Item
from services.analyzer.extractive import extract
from services.analyzer.own_words import AT_ONCE, OwnWords
from services.analyzer.prose import WINDOWS
from tests.unit.analyzer.items import item
from tests.unit.text.hostile import HOSTILE

TIGHT = WorkerLimits(memory=400 * 1024 * 1024, cpu=5, wall=120)  # far below what trees that are repaired would take
LONG = "It counts acorns and keeps the totals. " * 40


def made_of(text: str) -> list[Item]:
    return [
        item(description="", text=text[: WINDOWS[-1]]),
        item(description="", text="x").model_copy(update={"text_format": "rst", "text_html": text[: 2 * WINDOWS[-1]]}),
        item(description=text[:4_000], text=""),
    ]


async def test_no_text_takes_more_than_little_memory_and_time() -> None:
    pool = WorkerPool("services.analyzer.tasks", size=2, limits=TIGHT)
    harmful = []

    async def read(name: str, one: Item) -> None:
        try:
            assert await pool("extract", item=one.model_dump(mode="json"))
        except WorkerFailedError as error:
            harmful.append((name, error.reason))

    texts = ((name, made(2 * WINDOWS[-1])) for name, made in HOSTILE.items())
    await asyncio.gather(*(read(name, one) for name, text in texts for one in made_of(text)))
    await pool.aclose()
    assert harmful == []


async def test_a_worker_finds_what_this_process_would() -> None:
    pool = WorkerPool("services.analyzer.tasks", size=1)
    one = item(description="", text=LONG)
    assert await OwnWords(pool)(one) == extract(one)
    await pool.aclose()


async def test_a_text_that_is_too_much_for_a_worker_leaves_the_name_and_the_language() -> None:
    async def run(task: str, /, **arguments: object) -> object:
        raise WorkerFailedError("killed")

    found = await OwnWords(run)(item(description="", text=LONG))
    assert found.description == "lanterns, written in Rust."
    assert found.source == "extractive"


async def test_a_short_text_needs_no_worker() -> None:
    async def run(task: str, /, **arguments: object) -> object:
        raise AssertionError("not asked")

    one = item(description="It counts acorns.", text="a" * (AT_ONCE - 100))
    assert await OwnWords(run)(one) == extract(one)
