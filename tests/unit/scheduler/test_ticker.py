"""Duties in loops of their own."""

import asyncio
from datetime import timedelta

from services.scheduler.ticker import Ticker

PAUSE = timedelta(milliseconds=1)


async def test_a_duty_that_raises_or_hangs_holds_up_no_other_and_is_called_again() -> None:
    calls: dict[str, int] = {"raises": 0, "works": 0}
    enough = asyncio.Event()

    async def raises() -> bool:
        calls["raises"] += 1
        raise RuntimeError

    async def hangs() -> bool:
        await asyncio.Event().wait()
        return False

    async def works() -> bool:
        calls["works"] += 1
        if min(calls.values()) >= 3:
            enough.set()
        return False

    ticker = Ticker({"raises": raises, "hangs": hangs, "works": works}, PAUSE)
    async with ticker.running():
        await asyncio.wait_for(enough.wait(), 30)
        assert ticker.is_live
    after = dict(calls)
    await asyncio.sleep(0.02)
    assert calls == after, "nothing runs once it has stopped"


async def test_a_duty_with_more_to_do_is_called_without_a_pause() -> None:
    left, done = [*range(100)], asyncio.Event()

    async def works() -> bool:
        left.pop()
        if not left:
            done.set()
        return bool(left)

    async with Ticker({"works": works}, timedelta(hours=1)).running():
        await asyncio.wait_for(done.wait(), 30)
