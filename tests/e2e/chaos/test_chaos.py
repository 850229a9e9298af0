"""Everything breaks under load, and all that was ever published is published again: nothing accepted is lost, nothing
doubles, nothing that was deleted comes back, and every import ends in words that its owner can read."""

import asyncio
import os
import time
from collections.abc import Sequence

import pytest

from kit.kafka import dead_letters
from tests.e2e.chaos.conftest import SEED
from tests.e2e.chaos.nemesis import Blow, Nemesis
from tests.e2e.chaos.story import Story
from tests.e2e.republish import all_again, read_through
from tests.e2e.stack import Stack

pytestmark = pytest.mark.engines

IMPORTS = int(os.environ.get("CHAOS_IMPORTS", "1000"))
FEW = 120


async def tried(stack: Stack, story: Story, blows: Sequence[tuple[str, Blow]], imports: int) -> None:
    portion = imports // (len(blows) + 1)
    story.paste(portion)
    for name, blow in blows:
        await story.flowing(3)
        story.paste(portion)
        began = time.monotonic()
        await blow()
        await story.flowing(3)
        await story.delete(max(2, portion // 5))
        tell(f"{time.monotonic() - began:6.1f} s  {name}")
    story.paste(max(0, imports - len(story)))
    await story.end()
    parked = await dead_letters.read(stack.kafka_settings)
    assert parked, "batches that were refused were felt"
    while "Nothing to replay" not in await asyncio.to_thread(stack.thrive, "failed", "replay", "--yes"):
        await story.end()  # repaired as an operator would
    await read_through(stack)
    before = await story.verify()
    again = await all_again(stack, SEED)
    await read_through(stack)
    assert await story.verify() == before
    deleted = sum(it.project_id is not None for it in story.imports)
    tell(f"{len(story)} imports, {deleted} projects deleted, {len(parked)} messages parked and replayed;")
    tell(f"{again} different records published again in the end")


async def test_a_few_of_everything(stack: Stack, story: Story) -> None:
    await tried(stack, story, Nemesis(stack, story, SEED).few(), FEW)


@pytest.mark.chaos
async def test_a_thousand_imports(stack: Stack, story: Story) -> None:
    await tried(stack, story, Nemesis(stack, story, SEED).blows(), IMPORTS)


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201
