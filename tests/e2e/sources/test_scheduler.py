"""Who asks for syncs at sources, and how often."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaConnectionError
from prometheus_client import REGISTRY

from kit.mongo import Database, Document
from records.sources.outcome import SyncOutcome
from records.sources.record import Reason, SourceState, request_sync
from records.sources.transitions import apply_outcome
from services.scheduler.sync_dispatcher import CLAIM
from tests.e2e.sources.rig import DAY, Broker, Clock, a_source, scheduler, stored

MINUTE = timedelta(minutes=1)
OK = SyncOutcome(SourceState.OK)


async def test_what_is_due_is_emitted_once_by_any_number_of_schedulers(
    db: Database, clock: Clock, broker: Broker
) -> None:
    await db.sources.insert_many([a_source(clock, str(number)) for number in range(300)])
    await stored(db, clock, "later", next_sync_at=clock.now + MINUTE)
    schedulers = [scheduler(db, broker) for _ in range(4)]
    for _ in range(10):
        await asyncio.gather(*(one.dispatch() for one in schedulers))
    assert sorted(broker.urls, key=int) == [str(number) for number in range(300)]
    clock.now += MINUTE
    await asyncio.gather(*(one.dispatch() for one in schedulers))
    assert broker.urls[300:] == ["later"]


async def test_a_backlog_goes_out_at_its_pace_oldest_first_and_nobody_who_asks_waits_behind_it(
    db: Database, clock: Clock, broker: Broker
) -> None:
    for number in range(20):
        due = clock.now - timedelta(hours=30 - number)
        await stored(db, clock, str(number), next_sync_at=due, next_reason="interval")
    one = scheduler(db, broker, at_once=5)
    assert await one.dispatch() == 5
    await stored(db, clock, "new")
    assert await one.dispatch() == 6
    assert (set(broker.urls[:5]), broker.urls[5], set(broker.urls[6:])) == (set("01234"), "new", set("56789"))


async def test_nobody_who_asks_waits_behind_what_is_pushed(db: Database, clock: Clock, broker: Broker) -> None:
    for number in range(20):
        await stored(db, clock, str(number), next_sync_at=clock.now - MINUTE, next_reason="push")
    await stored(db, clock, "new")
    await stored(db, clock, "requested", next_reason="requested")
    await stored(db, clock, "interval", next_reason="interval")
    assert await scheduler(db, broker, at_once=5).dispatch() == 8
    assert set(broker.urls[:2]) == {"new", "requested"}
    assert (set(broker.urls[2:7]) < set(map(str, range(20))), broker.urls[7]) == (True, "interval")


async def test_what_kafka_does_not_take_holds_up_no_other_and_is_tried_again(
    db: Database, clock: Clock, broker: Broker
) -> None:
    for name in ("bad", "good"):
        await stored(db, clock, name)
    broker.refuses = {"https://github.com/ada/bad"}
    one = scheduler(db, broker)
    assert await one.dispatch() == 1
    assert await one.dispatch() == 0, "claimed"
    clock.now += CLAIM
    with pytest.raises(KafkaConnectionError):
        await one.dispatch()
    broker.refuses.clear()
    clock.now += CLAIM
    assert await one.dispatch() == 1
    assert broker.urls == ["good", "bad"]
    assert broker.events[1].due_at == Clock().now, "the same event, however late"


async def test_a_scheduler_that_died_after_the_broker_had_it_emits_the_same_event_again(
    db: Database, clock: Clock, broker: Broker
) -> None:
    source = await stored(db, clock)
    await scheduler(db, broker).dispatch()
    await db.sources.update_one({"_id": source["_id"]}, {"$set": {"emit_at": clock.now + CLAIM, "claim": uuid4()}})
    clock.now += CLAIM
    await scheduler(db, broker).dispatch()
    first, second = broker.events
    assert first == second


async def test_a_sync_that_does_not_end_is_asked_for_again_as_the_same_one(
    db: Database, clock: Clock, broker: Broker
) -> None:
    await stored(db, clock)
    one = scheduler(db, broker, lost_after=DAY)
    for _ in range(3):
        await one.dispatch()
        clock.now += DAY / 2
    assert [event.id for event in broker.events] == [broker.events[0].id] * 2


async def test_a_push_during_a_sync_is_another_sync(db: Database, clock: Clock, broker: Broker) -> None:
    source = await stored(db, clock)
    one = scheduler(db, broker)
    await one.dispatch()
    clock.now += MINUTE
    pushed_at = clock.now
    assert await request_sync(db, {"_id": source["_id"]}, Reason.PUSH, clock.now) == 1
    clock.now += MINUTE
    settled = await apply_outcome(db, source["_id"], broker.events[0].due_at, OK, clock.now)
    assert settled
    assert (settled["state"], settled["next_sync_at"], settled["next_reason"]) == ("ok", pushed_at, Reason.PUSH)
    await one.dispatch()
    await one.dispatch()
    assert [event.due_at for event in broker.events] == [source["next_sync_at"], pushed_at]


async def test_a_source_that_is_asked_for_while_it_is_claimed_is_synced_after_that(
    db: Database, clock: Clock, broker: Broker
) -> None:
    source = await stored(db, clock)

    async def publish_while_it_is_pushed(event: object) -> None:
        clock.now += timedelta(seconds=1)
        await request_sync(db, {"_id": source["_id"]}, Reason.PUSH, clock.now)

    busy = Broker(clock)
    busy.publish = publish_while_it_is_pushed  # type: ignore[method-assign]
    await scheduler(db, busy).dispatch()
    await scheduler(db, broker).dispatch()
    assert [event.due_at for event in broker.events] == [clock.now]


@pytest.mark.parametrize("quiet", [{"sync_frequency": "manual"}, {"sync_enabled": False}])
async def test_a_quiet_source_is_synced_when_it_is_asked_for_and_not_again(
    db: Database, clock: Clock, broker: Broker, quiet: Document
) -> None:
    source = await stored(db, clock, **quiet)
    one = scheduler(db, broker)
    await one.dispatch()
    await apply_outcome(db, source["_id"], clock.now, OK, clock.now)
    clock.now += 30 * DAY
    assert await one.dispatch() == 0
    await request_sync(db, {"_id": source["_id"]}, Reason.REQUESTED, clock.now)
    assert await one.dispatch() == 1


async def test_what_is_overdue_is_counted(db: Database, clock: Clock, broker: Broker) -> None:
    for number in range(3):
        await stored(db, clock, str(number), next_sync_at=clock.now - number * timedelta(hours=1))
    await scheduler(db, broker).dispatch()
    assert REGISTRY.get_sample_value("thrive_sources_overdue") == 2, "until they have been synced, emitted or not"


async def test_a_source_with_nothing_due_is_passed_over_whatever_else_it_says(
    db: Database, clock: Clock, broker: Broker
) -> None:
    await stored(db, clock, "paused", emit_at=clock.now, next_sync_at=None)
    await stored(db, clock, "due")
    assert await scheduler(db, broker).dispatch() == 1
    assert broker.urls == ["due"]
