"""However a sync goes, its source knows of it, and so does whoever waits."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from integrations.base import SyncResult
from integrations.registry import IntegrationRegistry
from kit.errors import UpstreamUnavailableError
from kit.http import Response
from kit.mongo import Document
from kit.upstream import Upstream
from records.sources.record import Reason, SourceState, sync_requested
from records.stage_failures import Origin, forget_failed_syncs
from schemas.events import SyncRequested
from services.fetcher.response_cache import PUBLIC, ResponseCache
from services.gateway.sources.service import Sources
from tests.e2e.sync.conftest import HOUR, Emitted, Rig
from tests.e2e.sync.test_listings import URL, Shelf, books, shelf, task, waited_for

__all__ = ["shelf"]

DOWN = UpstreamUnavailableError("Shelf is not available.")


async def failed_of_a_bug(rig: Rig, shelf: Shelf) -> tuple[Document, SyncRequested]:
    """A source whose sync has raised, and what asked for the sync."""
    shelf.problem = KeyError("a bug")
    source = await rig.follow(URL)
    event = await rig.due(source)
    with pytest.raises(KeyError):
        await rig.sync(event)
    return source, event


async def test_a_bug_is_raised_after_its_source_has_failed_and_is_to_be_tried_again(rig: Rig, shelf: Shelf) -> None:
    source, event = await failed_of_a_bug(rig, shelf)
    source, run = await rig.source(source), await rig.run(source)
    assert (source["state"], source["failures"], source["next_reason"]) == (SourceState.FAILING, 1, Reason.RETRY)
    assert source["next_sync_at"] > rig.now
    assert (run["outcome"], run["error"]["error_code"]) == ("failed", "INTERNAL_ERROR")
    assert await rig.sync(event) == [], "a redelivery repeats the end"
    assert (await rig.source(source))["failures"] == 1
    assert await rig.db.imports.count_documents({}) == 0


async def test_a_sync_that_failed_of_a_bug_is_had_anew_by_a_replay(rig: Rig, shelf: Shelf) -> None:
    source, event = await failed_of_a_bug(rig, shelf)
    shelf.problem, shelf.found = None, SyncResult(books("a"))
    await forget_failed_syncs(rig.db, [origin_of(event, user_id="mallory")])
    assert await rig.sync(event) == []
    await forget_failed_syncs(rig.db, [origin_of(event)])
    rig.now += HOUR
    again = await rig.sync(event)
    assert len(Emitted(again).fetched) == len(Emitted(again).synced) == 1
    await forget_failed_syncs(rig.db, [origin_of(event)])
    shelf.found = SyncResult(books("a", "b"))
    assert await rig.sync(event) == again, "what was seen stays so"
    assert (await rig.source(source))["state"] == SourceState.OK


async def test_a_sync_that_failed_of_its_upstream_is_over(rig: Rig, shelf: Shelf) -> None:
    shelf.problem = DOWN
    event = await rig.due(await rig.follow(URL))
    assert await rig.sync(event) == []
    shelf.problem, shelf.found = None, SyncResult(books("a"))
    await forget_failed_syncs(rig.db, [origin_of(event)])
    assert await rig.sync(event) == []


def origin_of(event: SyncRequested, **other: str) -> Origin:
    return Origin.model_validate(event.model_dump() | other)


async def test_a_sync_that_takes_too_long_is_a_failure_of_the_source(rig: Rig, shelf: Shelf) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    rig.patience, shelf.meanwhile = timedelta(milliseconds=50), forever
    rig.use(IntegrationRegistry([shelf]))
    source = await rig.follow(URL)
    assert (await rig.sync_source(source)).events == []
    assert (await rig.source(source))["state"] == SourceState.FAILING
    assert (await rig.run(source))["error"]["error_code"] == "UPSTREAM_UNAVAILABLE"


async def test_a_first_sync_that_fails_is_tried_again_and_the_task_waits_for_it(rig: Rig, shelf: Shelf) -> None:
    source, task_id = await waited_for(rig)
    shelf.problem = DOWN
    await rig.sync_source(source)
    parent, source = await task(rig, task_id), await rig.source(source)
    assert parent["state"] == "processing"
    assert parent["message"].startswith("Shelf is not available. Next try at ")
    assert (source["state"], source["next_reason"], source["task_id"]) == ("failing", "retry", task_id)
    shelf.problem, shelf.found = None, SyncResult(books("a"))
    await rig.sync_source(source)
    parent = await task(rig, task_id)
    assert (parent["state"], len(parent["children"])) == ("completed", 1)
    assert (await rig.source(source))["task_id"] is None


@pytest.mark.parametrize("problem", [DOWN, KeyError("a bug")])
async def test_a_task_fails_with_the_third_try(rig: Rig, shelf: Shelf, problem: Exception) -> None:
    source, task_id = await waited_for(rig)
    shelf.problem, states = problem, []
    for _ in range(3):
        event = await rig.due(source)
        for _ in range(2):  # once more, as after a crash
            await asyncio.gather(rig.sync(event), return_exceptions=True)
        states.append((await task(rig, task_id))["state"])
    assert states == ["processing", "processing", "failed"]
    assert (await rig.source(source))["task_id"] is None


async def test_a_task_whose_source_was_removed_before_the_sync_has_failed(rig: Rig, shelf: Shelf) -> None:
    source, task_id = await waited_for(rig)
    await rig.db.sources.delete_one({"_id": source["_id"]})
    assert await rig.sync(sync_requested(source)) == []
    assert (await task(rig, task_id))["state"] == "failed"


async def test_what_has_its_imports_is_handed_on_though_its_source_is_removed_meanwhile(rig: Rig, shelf: Shelf) -> None:
    source, task_id = await waited_for(rig)
    sources = Sources(rig.db, per_member=9, now=lambda: rig.now)

    async def removed() -> None:
        await sources.remove("ada", source["_id"])

    shelf.meanwhile, shelf.found = removed, SyncResult(books("a", "b"))
    event = sync_requested(source)
    emitted = Emitted(await rig.sync(event))
    imports: list[UUID] = await rig.db.imports.distinct("_id", {"active": True})
    assert {it.import_id for it in emitted.fetched} == set(imports)
    assert len(imports) == 2
    assert (await task(rig, task_id))["state"] == "failed"
    await rig.db.runs.delete_many({})  # as if it had been removed a moment later
    assert Emitted(await rig.sync(event)).fetched == emitted.fetched
    assert await rig.db.source_items.count_documents({}) == 0


@pytest.mark.parametrize("quiet", [{"sync_frequency": "manual"}, {"sync_enabled": False}])
async def test_a_task_is_waited_for_though_its_source_is_not_synced_unasked_any_more(
    rig: Rig, shelf: Shelf, quiet: dict[str, object]
) -> None:
    source, task_id = await waited_for(rig)
    shelf.problem = DOWN
    await rig.sync_source(source)
    due_at = (await rig.source(source))["next_sync_at"]
    changed = await Sources(rig.db, per_member=9, now=lambda: rig.now).change("ada", source["_id"], quiet)
    assert changed["next_sync_at"] == changed["emit_at"] == due_at
    shelf.problem, shelf.found = None, SyncResult(books("a"))
    await rig.sync_source(source)
    assert (await task(rig, task_id))["state"] == "completed"
    assert (await rig.source(source))["next_sync_at"] is None


async def test_who_wait_for_the_same_answer_fail_with_it_and_the_next_asks_anew(rig: Rig) -> None:
    http = Upstream(httpx2.MockTransport(rig.github), (), now=lambda: rig.now)
    view = ResponseCache(rig.db, http).view(PUBLIC, Counter())
    asked, begun, answered = [], asyncio.Event(), asyncio.Event()

    async def ask(validators: Mapping[str, str]) -> Response:
        asked.append(validators)
        begun.set()
        await answered.wait()
        raise DOWN

    following = [asyncio.create_task(view.answer("https://shelf.example/", "text/html", ask)) for _ in range(5)]
    await begun.wait()
    answered.set()
    problems = await asyncio.gather(*following, return_exceptions=True)
    assert [str(problem) for problem in problems] == ["Shelf is not available."] * 5
    assert len(asked) == 1
    with pytest.raises(UpstreamUnavailableError):
        await view.answer("https://shelf.example/", "text/html", ask)
    assert len(asked) == 2
