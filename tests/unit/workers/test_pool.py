"""Worker processes: reused while they behave, and killed with what they do when they, or their caller, do not."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from kit.workers.limits import WorkerLimits
from kit.workers.pool import WorkerFailedError, WorkerPool

MODULE = "tests.unit.workers.tasks"


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(MODULE, size=1, limits=WorkerLimits(memory=256 * 1024 * 1024, cpu=1, wall=60, reply=1_000_000))
    yield pool
    await pool.aclose()


async def gone(pid: int) -> bool:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return True


async def appears(file: Path) -> None:
    while not file.exists():  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.02)


async def test_what_goes_in_comes_out() -> None:
    pool = WorkerPool(MODULE)
    value = {"text": 'é\ud7ff"\n' * 100_000, "none": None, "list": [1, 2.5, True]}
    assert await pool("echo", value=value) == value
    await pool.aclose()


async def test_one_process_serves_many_tasks(pool: WorkerPool) -> None:
    assert len({await pool("pid") for _ in range(20)}) == 1


async def test_no_more_of_them_run_at_once_than_there_are_places() -> None:
    pool = WorkerPool(MODULE, size=2)
    assert len(set(await asyncio.gather(*(pool("pid") for _ in range(12))))) <= 2
    await pool.aclose()


async def test_a_worker_knows_no_secret_of_the_environment(pool: WorkerPool) -> None:
    assert set(await pool("environment")) <= {"PATH", "PYTHONPATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT"}


@pytest.mark.parametrize(
    ("task", "arguments", "reason"),
    [
        ("spin", {}, "killed"),
        ("eat", {}, "failed"),
        ("crash", {}, "killed"),
        ("large", {"size": 2_000_000}, "too_large"),
        ("wrong", {}, "failed"),
        ("unknown", {}, "failed"),
    ],
)
async def test_a_task_over_its_limits_fails_alone_and_the_next_one_is_served(
    pool: WorkerPool, task: str, arguments: dict[str, int], reason: str
) -> None:
    with pytest.raises(WorkerFailedError) as caught:
        await pool(task, **arguments)
    assert caught.value.reason == reason
    assert "secret" not in str(caught.value)
    assert await pool("echo", value=1) == 1


async def test_a_task_that_takes_too_long_by_the_clock_is_killed() -> None:
    pool = WorkerPool(MODULE, size=1, limits=WorkerLimits(cpu=60, wall=0.5))
    with pytest.raises(WorkerFailedError, match="timeout"):
        await pool("spin")
    await pool.aclose()


async def test_a_cancelled_caller_leaves_nothing_at_work(pool: WorkerPool, tmp_path: Path) -> None:
    worker = await pool("pid")
    at_work = asyncio.create_task(pool("spin", begun=str(tmp_path / "begun")))
    await appears(tmp_path / "begun")
    at_work.cancel()
    await asyncio.gather(at_work, return_exceptions=True)
    assert at_work.cancelled()
    assert await gone(worker)
    assert await pool("echo", value=1) == 1


async def test_a_worker_that_has_grown_is_replaced(pool: WorkerPool) -> None:
    small = await pool("pid")
    assert await pool("swell", size=180_000_000) == 180_000_000
    assert await pool("pid") != small


async def test_workers_end_with_the_pool() -> None:
    pool = WorkerPool(MODULE)
    worker = await pool("pid")
    await pool.aclose()
    assert await gone(worker)


PARENT = f"""
import asyncio
from kit.workers.pool import WorkerPool

async def main():
    pool = WorkerPool({MODULE!r})
    print(await pool("pid"), flush=True)
    if BUSY:
        await pool("spin", begun=BEGUN)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("busy", [False, True])
async def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, busy: bool) -> None:
    """An idle one sees its input close; a busy one ends with its seconds at the latest."""
    begun = tmp_path / "begun"
    source = f"BUSY, BEGUN = {busy}, {str(begun)!r}\n{PARENT}"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    worker = int(await parent.stdout.readline())
    if busy:
        await appears(begun)
    parent.kill()
    await parent.wait()
    assert await gone(worker)


async def test_an_interrupt_of_the_whole_group_leaves_the_worker_to_its_parent(pool: WorkerPool) -> None:
    worker = await pool("pid")
    for stop in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, stop)
    assert await pool("pid") == worker


async def test_a_worker_that_died_while_it_was_idle_costs_no_task(pool: WorkerPool) -> None:
    worker = await pool("pid")
    os.kill(worker, signal.SIGKILL)
    assert await gone(worker)
    assert await pool("echo", value=1) == 1


async def test_a_task_whose_worker_was_killed_is_tried_once_more(pool: WorkerPool, tmp_path: Path) -> None:
    trace = tmp_path / "begun"
    assert await pool("crash_once", trace=str(trace)) == "whole"
    with pytest.raises(WorkerFailedError, match="killed"):
        await pool("crash")
