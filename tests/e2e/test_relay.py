"""The relay and the ledger on a real MongoDB: what cannot go holds up nothing else, and nothing is made of nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document
from records import deferred
from records.deferred import MAX_HEADER_BYTES, DeferredRecord
from records.imports import INTERACTIVE, SYNC, pending
from schemas.events import Event, Options, PointsAwarded
from services.awarder.ledger import Ledger
from services.gateway.imports.lookups import Lookups
from services.scheduler.relay import BATCH, Relay
from services.scheduler.sending import MAX_PAUSE, MIN_PAUSE, pause_after
from services.scheduler.settings import SchedulerSettings
from tests.databases import made
from tests.unit.kit.records import record

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


async def nothing(_event: Event, _attempt: int) -> None:
    raise AssertionError("nothing is to be published")


async def unused(_message: DeferredRecord) -> None:
    raise AssertionError("nothing is deferred")


async def defer(db: Database, values: list[bytes]) -> None:
    for offset, value in enumerate(values):
        await deferred.defer(db, record(offset=offset, value=value), due_at=LONG_AGO, reason="x")


async def test_a_message_that_kafka_does_not_take_holds_up_no_other(db: Database) -> None:
    await defer(db, [b"small", b"large", b"small"])
    sent = []

    async def publish(message: DeferredRecord) -> None:
        if bytes(message["value"]) == b"large":
            raise MessageSizeTooLargeError
        sent.append(message["_id"])

    await Relay(db, nothing, publish, SchedulerSettings()).tick()
    assert len(sent) == 2
    left = await db.deferred.find().to_list()
    assert [bytes(message["value"]) for message in left] == [b"large"]


async def test_a_broker_that_is_away_costs_no_message_and_each_comes_again(db: Database) -> None:
    await defer(db, [b"one", b"two"])
    away = True

    async def publish(_message: DeferredRecord) -> None:
        if away:
            raise KafkaConnectionError

    relay = Relay(db, nothing, publish, SchedulerSettings())
    await relay.tick()
    assert await db.deferred.distinct("relay_tries") == [1]
    away = False
    await db.deferred.update_many({}, {"$set": {"claimed_until": LONG_AGO}})  # their pauses are over
    await relay.tick()
    assert await db.deferred.count_documents({}) == 0


async def test_messages_without_an_answer_keep_their_own_places_and_nobody_waiting(db: Database) -> None:
    """As many as a round takes, all of them older than the others."""
    await defer(db, [b"stuck"] * BATCH + [b"free"] * 50)
    stuck_at_once, free = Counter[str](), []

    async def publish(message: DeferredRecord) -> None:
        if bytes(message["value"]) == b"free":
            free.append(message["_id"])
            return
        stuck_at_once["now"] += 1
        stuck_at_once["most"] = max(stuck_at_once["most"], stuck_at_once["now"])
        try:
            await asyncio.Event().wait()
        finally:
            stuck_at_once["now"] -= 1

    relay = Relay(db, nothing, publish, SchedulerSettings(), grace=0.05)
    async with asyncio.timeout(60):
        while len(free) < 50:
            await relay.tick()
    assert stuck_at_once["most"] <= 2 * BATCH
    assert await db.deferred.count_documents({}) >= BATCH, "none of them is lost"
    await relay.close()


async def test_a_pause_grows_with_each_try_and_has_an_end() -> None:
    longest = [max(pause_after(tries) for _ in range(50)) for tries in (0, 1, 2, 3, 20)]
    assert longest == sorted(longest)
    assert timedelta(0) < longest[0] <= MIN_PAUSE < longest[-1] <= MAX_PAUSE


async def test_what_is_published_again_is_not_put_off_any_more(db: Database) -> None:
    waiting = an_import(1, released=True, priority=INTERACTIVE) | {"published": False, "updated_at": LONG_AGO}
    await db.imports.insert_one(waiting | {"attempt": 3})
    refused, published = [KafkaConnectionError()], []

    async def publish(event: Event, attempt: int) -> None:
        if refused:
            raise refused.pop()
        published.append((event.import_id, attempt))

    relay = Relay(db, publish, unused, SchedulerSettings())
    await relay.tick()
    assert (await db.imports.find_one() or {})["relay_tries"] == 1
    await relay.tick()
    assert not published, "its pause is not over"
    await db.imports.update_many({}, {"$set": {"relay_after": LONG_AGO}})
    await relay.tick()
    assert published == [(waiting["_id"], 3)], "of the attempt that is under way"
    assert not (await db.imports.find_one() or {}).keys() & {"relay_tries", "relay_after"}


async def test_headers_beyond_what_kafka_takes_back_are_not_kept(db: Database) -> None:
    large = record(headers=(("ce_id", b"1"), ("padding", b"x" * MAX_HEADER_BYTES), ("ce_type", b"T")))
    await deferred.defer(db, large, due_at=LONG_AGO, reason="x")
    (message,) = await deferred.claim(db, datetime.now(UTC))
    assert [name for name, _ in message["headers"][:-1]] == ["ce_id", "ce_type"]


async def test_points_are_entered_only_for_a_project_that_its_owner_has(db: Database) -> None:
    mine, anothers = uuid4(), uuid4()
    for project, owner in ((mine, "ada"), (anothers, "bob")):
        await db.projects.insert_one({"_id": project, "user_id": owner, "slug": owner, "url": f"https://x/{owner}"})
    ledger = Ledger(db)
    first = award(mine)
    assert [await ledger.enter(each) for each in (first, award(mine), first)] == [50, 0, 50]
    for project in (anothers, uuid4()):
        with pytest.raises(ContentNotFoundError):
            await ledger.enter(award(project))
    assert [entry["project_id"] async for entry in db.points.find()] == [mine]


async def test_an_agent_earns_nothing_for_what_it_has(db: Database) -> None:
    await db.users.insert_one({"_id": "ada", "username": "ada", "kind": "agent"})
    project = uuid4()
    await db.projects.insert_one({"_id": project, "user_id": "ada", "slug": "b", "url": "https://x/b"})
    assert await Ledger(db).enter(award(project)) == 0
    assert await db.points.count_documents({}) == 0


async def test_the_imports_of_a_sync_keep_nobody_waiting(db: Database) -> None:
    await db.imports.insert_many([an_import(number, released=True, priority=SYNC) for number in range(50)])
    pasted = an_import(50, released=False, priority=INTERACTIVE)
    await db.imports.insert_one(pasted)
    published = []

    async def publish(event: Event, _attempt: int) -> None:
        published.append(event.import_id)

    assert (await Lookups(db)("ada", "https://github.com/a/51")).in_flight == 0
    await Relay(db, publish, unused, SchedulerSettings(imports_in_flight_per_user=1)).tick()
    assert published == [pasted["_id"]]


def an_import(number: int, *, released: bool, priority: int) -> Document:
    record = pending(
        task_id=uuid4(), user_id="ada", url=f"https://github.com/a/{number}", integration="github",
        options=Options(), released=released, priority=priority, now=datetime.now(UTC),
    )  # fmt: skip
    return {**record, "published": released}


def award(project_id: UUID) -> PointsAwarded:
    return PointsAwarded(
        id=uuid4(), import_id=uuid4(), user_id="ada", url="https://github.com/a/b", project_id=project_id, slug="b",
        points=50, reason="project_create",
    )  # fmt: skip
