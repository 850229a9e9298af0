"""How the end of a sync gets into its source, and what its owner is told."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from kit.mongo import Database, Document
from records.sources.outcome import SyncOutcome
from records.sources.record import SourceState, follow
from records.sources.transitions import apply_outcome
from tests.e2e.sources.rig import Clock, a_source, stored

MINUTE = timedelta(minutes=1)
OK = SyncOutcome(SourceState.OK)
GONE = SyncOutcome(SourceState.GONE, "GitHub has no such repository.")


async def test_a_repeated_end_changes_nothing(db: Database, clock: Clock) -> None:
    source = await stored(db, clock)
    first = await apply_outcome(db, source["_id"], clock.now, SyncOutcome(SourceState.FAILING), clock.now + MINUTE)
    again = await apply_outcome(db, source["_id"], clock.now, SyncOutcome(SourceState.FAILING), clock.now + MINUTE)
    assert first == again
    assert first
    assert first["failures"] == 1


async def test_an_end_that_comes_late_does_not_overwrite_a_newer_one(db: Database, clock: Clock) -> None:
    source = await stored(db, clock)
    newer = await apply_outcome(db, source["_id"], clock.now, OK, clock.now + 2 * MINUTE)
    assert await apply_outcome(db, source["_id"], clock.now, GONE, clock.now + MINUTE) == newer
    assert await db.notices.count_documents({}) == 0


async def test_a_clock_that_goes_slow_does_not_keep_a_source_due_for_ever(db: Database, clock: Clock) -> None:
    source = await stored(db, clock, last_checked_at=clock.now + MINUTE)
    settled = await apply_outcome(db, source["_id"], clock.now, OK, clock.now)
    assert settled
    assert settled["next_sync_at"] > clock.now


async def test_the_end_of_a_sync_of_a_removed_source_is_nothing(db: Database, clock: Clock) -> None:
    assert await apply_outcome(db, a_source(clock)["_id"], clock.now, GONE, clock.now) is None
    assert await db.notices.count_documents({}) == 0


class Meanwhile:
    """The sources, and what somebody writes to one just after it was first read."""

    def __init__(self, db: Database, changes: Document) -> None:
        self.sources, self._db = self, db
        self._sources, self._changes = db.sources, changes

    def __getitem__(self, name: str) -> Any:
        return self._db[name]

    async def find_one(self, which: Document) -> Document | None:
        found = await self._sources.find_one(which)
        if self._changes:
            await self._sources.update_one(which, {"$set": self._changes})
            self._changes = {}
        return found

    async def find_one_and_update(self, *arguments: Any, **options: Any) -> Document | None:
        return await self._sources.find_one_and_update(*arguments, **options)


async def test_what_its_owner_changed_during_the_sync_stays_changed(db: Database, clock: Clock) -> None:
    source = await stored(db, clock)
    changes = {"sync_frequency": "manual", "updated_at": clock.now + MINUTE}
    interrupted = cast(Database, Meanwhile(db, changes))
    settled = await apply_outcome(interrupted, source["_id"], clock.now, OK, clock.now + 2 * MINUTE)
    assert settled
    assert (settled["sync_frequency"], settled["state"], settled["next_sync_at"]) == ("manual", "ok", None)
    assert settled == await db.sources.find_one({})


@pytest.mark.parametrize("state", ["gone", "revoked"])
async def test_its_owner_is_told_once_and_the_notice_goes_with_its_cause(
    db: Database, clock: Clock, state: str
) -> None:
    source = await stored(db, clock, "paper")
    for _ in range(3):
        due = source["next_sync_at"]
        settled = await apply_outcome(db, source["_id"], due, SyncOutcome(SourceState(state), "why"), due + MINUTE)
        assert settled
        source = settled
        (notice,) = await db.notices.find().to_list()
        assert (notice["user_id"], notice["kind"], notice["provider"]) == ("ada", f"source_{state}", "github")
        assert "paper" in notice["text"]
        assert notice["created_at"] == clock.now + MINUTE
    await apply_outcome(db, source["_id"], source["next_sync_at"], OK, source["next_sync_at"] + MINUTE)
    assert await db.notices.count_documents({}) == 0


async def test_what_becomes_private_is_told_and_synced_as_before_until_it_is_public_again(
    db: Database, clock: Clock
) -> None:
    source = await stored(db, clock, "paper")
    private = SyncOutcome(SourceState.OK, private=True)
    failed = SyncOutcome(SourceState.FAILING, "It did not answer.")
    ends = [private, OK, private, private, failed, private, OK]
    states = []
    for ended in ends:
        due = source["next_sync_at"]
        source = await apply_outcome(db, source["_id"], due, ended, due + MINUTE) or {}
        states.append(source["state"])
        told = [notice["kind"] async for notice in db.notices.find()]
        assert told == (["source_private"] if source["state"] == "private" else [])
        assert source["next_reason"] == ("retry" if ended is failed else "interval")
    assert states == ["ok", "ok", "private", "private", "failing", "private", "ok"]
    assert (source["failures"], source["state_reason"]) == (0, None)


@pytest.mark.parametrize("state", ["failing", "needs_reauth"])
async def test_nobody_is_told_what_passes_or_what_their_connection_tells(
    db: Database, clock: Clock, state: str
) -> None:
    source = await stored(db, clock)
    await apply_outcome(db, source["_id"], clock.now, SyncOutcome(SourceState(state)), clock.now + MINUTE)
    assert await db.notices.count_documents({}) == 0


async def test_a_renamed_source_is_followed_under_its_new_name(db: Database, clock: Clock) -> None:
    source = await stored(db, clock, "old")
    moved = SyncOutcome(SourceState.OK, url="https://github.com/ada/new")
    settled = await apply_outcome(db, source["_id"], clock.now, moved, clock.now + MINUTE)
    assert settled
    assert (settled["_id"], settled["url"], settled["source_identifier"]) == (source["_id"], moved.url, moved.url)
    assert await follow(db, a_source(clock, "new")) == (settled, False), "not a second time"
    another, created = await follow(db, a_source(clock, "old"))
    assert created
    assert another["_id"] != source["_id"], "the old name may be somebody else's now"


async def test_a_source_that_is_followed_under_both_names_keeps_the_old_one(db: Database, clock: Clock) -> None:
    old = await stored(db, clock, "old")
    await stored(db, clock, "new")
    moved = SyncOutcome(SourceState.OK, url="https://github.com/ada/new")
    settled = await apply_outcome(db, old["_id"], clock.now, moved, clock.now + MINUTE)
    assert settled
    assert (settled["url"], settled["state"]) == (old["url"], "ok")


async def test_who_follows_twice_at_once_follows_once(db: Database, clock: Clock) -> None:
    results = await asyncio.gather(*(follow(db, a_source(clock)) for _ in range(20)))
    assert sum(created for _, created in results) == 1
    assert len({source["_id"] for source, _ in results}) == 1
