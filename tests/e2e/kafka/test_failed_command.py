"""`thrive failed replay` on real Kafka and MongoDB."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from cli.main import app
from kit.errors import InternalError
from kit.kafka import ensure_topics, make_broker
from kit.kafka.broker import consumer_options
from kit.kafka.dead_letters import DeadLetter, park, read
from kit.kafka.events import ATTEMPT
from kit.mongo import Database, connect
from kit.settings import KafkaSettings, MongoSettings
from records.imports import State, pending
from records.sources.outcome import SyncOutcome
from records.sources.sync_runs import run_record
from schemas.events import Event, ImportRequested, Options, SyncRequested
from schemas.journey import TOPICS
from tests.ports import own_port
from tests.unit.kafka.fakes import record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://github.com/a/b"


class Rig:
    """The command, for the dead letter of one test: it has a reason and an origin of its own."""

    def __init__(self, kafka: str, mongodb: str, database: str) -> None:
        self.reason = f"bug-{uuid4().hex}"
        self.kafka = KafkaSettings(kafka_bootstrap_servers=kafka)
        self._mongo = MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database)
        self._env = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "MONGODB_URL": mongodb, "MONGODB_DATABASE": database}

    async def replay(self, *options: str, **env: str) -> Result:
        return await self.thrive("replay", "--stage", "fetcher", "--reason", self.reason, *options, **env)

    async def thrive(self, *command: str, **env: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["failed", *command], env=self._env | env))

    async def park(self, event: Event, value: bytes | None = None) -> None:
        await ensure_topics(self.kafka, TOPICS)
        async with make_broker(self.kafka, client_id="fetcher") as broker:
            await broker.start()
            failed = record(
                value or event.model_dump_json().encode(), topic=event.topic, key=event.key, offset=event.id.int % 2**62
            )
            await park(
                broker, failed, stage="fetcher", group="g", attempts=1, reason=self.reason, error_class="KeyError"
            )

    async def sent_back(self, event: Event) -> dict[str, bytes]:
        """The headers of the latest record with this event."""
        consumer = AIOKafkaConsumer(event.topic, **consumer_options(self.kafka, "test"), auto_offset_reset="earliest")
        await consumer.start()
        try:
            async with asyncio.timeout(30):
                async for it in consumer:
                    if str(event.id).encode() in (it.value or b""):
                        return dict(it.headers)
        finally:
            await consumer.stop()
        raise AssertionError("unreachable")

    async def letter(self) -> DeadLetter:
        (letter,) = await read(self.kafka, ["fetcher"], reason=self.reason)
        return letter

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        db = connect(self._mongo)
        try:
            yield db
        finally:
            await db.client.close()


@pytest.fixture
def rig(kafka: str, mongodb: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.chdir(tmp_path)  # no `.env` is where the command runs
    return Rig(kafka, mongodb, database)


def sync_requested() -> SyncRequested:
    run_id = uuid4()
    return SyncRequested(id=run_id, import_id=run_id, user_id="ada", url=URL, source_id=uuid4(), due_at=NOW)


async def test_a_look_is_no_import_that_the_database_must_know_and_is_had_anew(rig: Rig) -> None:
    event = sync_requested()
    await rig.park(event)
    bug = SyncOutcome.of_problem(InternalError("Something went wrong on our side."))
    failed = run_record(event, bug, reason="interval", started_at=NOW, finished_at=NOW, cost={}, known={})
    async with rig.database() as db:
        await db.runs.insert_one(failed)
        assert (await rig.replay()).output.endswith("Dry run: 1 would be replayed. Add --yes to do it.\n")
        assert await db.runs.count_documents({}) == 1
        result = await rig.replay("--yes")
        assert (result.exit_code, result.stderr) == (0, "")
        assert "Replayed 1; 0 failed imports" in result.output
        assert await db.runs.count_documents({}) == 0
    assert (await rig.letter()).replayed_at is not None


async def test_an_import_that_the_database_does_not_know_is_replayed_by_force_alone(rig: Rig) -> None:
    await rig.park(requested())
    refused = await rig.replay("--yes")
    assert refused.exit_code == 1
    assert "does not know 1 of these imports" in refused.stderr
    assert (await rig.letter()).replayed_at is None
    forced = await rig.replay("--yes", "--force")
    assert forced.exit_code == 0
    assert "Replayed 1; 0 failed imports" in forced.output


async def test_a_replay_is_another_attempt_and_says_so_to_all_that_comes_of_it(rig: Rig) -> None:
    event = requested()
    await rig.park(event)
    record = pending(
        task_id=event.import_id, user_id=event.user_id, url=event.url, integration="github", options=Options(),
        released=True, now=NOW,
    )  # fmt: skip
    async with rig.database() as db:
        await db.imports.insert_one({**record, "state": State.FAILED, "attempt": 4, "active": False})
        result = await rig.replay("--yes")
        assert "Replayed 1; 1 failed imports" in result.output
        assert (await db.imports.find_one() or {})["attempt"] == 5
    assert (await rig.sent_back(event))[ATTEMPT] == b"5"


@pytest.mark.parametrize("options", [(), ("--yes",)])
async def test_of_nothing_there_is_nothing_to_replay(rig: Rig, options: tuple[str, ...]) -> None:
    await ensure_topics(rig.kafka, TOPICS)
    result = await rig.thrive("replay", "--import", str(uuid4()), *options)
    assert (result.exit_code, result.output) == (0, "Nothing to replay.\n")


async def test_a_mongodb_that_is_away_is_told_in_a_line_and_nothing_is_sent(rig: Rig) -> None:
    await rig.park(sync_requested())
    result = await rig.replay("--yes", MONGODB_URL=f"mongodb://127.0.0.1:{own_port()}/")
    assert result.exit_code == 2
    assert result.stderr == "Cannot reach MongoDB at MONGODB_URL (ServerSelectionTimeoutError).\n"
    assert (await rig.letter()).replayed_at is None


def requested() -> ImportRequested:
    return ImportRequested(id=uuid4(), import_id=uuid4(), user_id="ada", url=URL, requested_at=NOW)


async def test_in_a_pipe_a_letter_is_one_whole_line_and_is_found_by_its_import(rig: Rig) -> None:
    event = requested()
    await rig.park(event)
    await rig.park(requested())
    narrow = {"COLUMNS": "80"}
    (line,) = (await rig.thrive("list", "--import", str(event.import_id), **narrow)).stdout.splitlines()
    letter_id, *_, import_id, _ = line.split("\t")
    assert (letter_id, import_id) == (f"imports.requested/0/{event.id.int % 2**62}", str(event.import_id))
    (as_json,) = (await rig.thrive("list", "--import", str(event.import_id), "--json")).stdout.splitlines()
    assert json.loads(as_json)["id"] == letter_id


async def test_a_letter_is_shown_with_the_field_that_its_schema_refuses_and_a_readable_body(rig: Rig) -> None:
    event = requested()
    body = json.loads(event.model_dump_json()) | {"url": "ftp://example.org", "options": {"is_private": "perhaps"}}
    await rig.park(event, json.dumps(body).encode())
    shown = await rig.thrive("show", f"imports.requested/0/{event.id.int % 2**62}")
    assert shown.exit_code == 0
    for words in ("url: ", "options.is_private: ", '  "user_id": "ada"', str(event.import_id)):
        assert words in shown.stdout
    as_json = json.loads((await rig.thrive("show", f"imports.requested/0/{event.id.int % 2**62}", "--json")).stdout)
    assert json.loads(as_json["value"]) == body


@pytest.mark.parametrize("wanted", ["nonsense", "a/b/c", "imports.requested/0/4611686018427387999"])
async def test_a_letter_that_is_not_there_is_named(rig: Rig, wanted: str) -> None:
    await ensure_topics(rig.kafka, TOPICS)
    result = await rig.thrive("show", wanted)
    assert (result.exit_code, wanted in result.stderr) == (1, True)


async def test_a_reason_that_is_none_is_refused_with_those_there_are(rig: Rig) -> None:
    await ensure_topics(rig.kafka, TOPICS)
    result = await rig.thrive("list", "--reason", "nonsense")
    assert result.exit_code == 2
    assert "wrong_schema" in result.stderr


async def test_where_nothing_is_parked_imports_that_failed_are_pointed_to(rig: Rig) -> None:
    await ensure_topics(rig.kafka, TOPICS)
    options = ("list", "--import", str(uuid4()))
    assert (await rig.thrive(*options)).stderr == "No dead letters that match.\n"
    async with rig.database() as db:
        await db.imports.insert_one({"_id": uuid4(), "state": "failed"})
        assert "1 imports ended with an error: thrive imports list" in (await rig.thrive(*options)).stderr
        await db.imports.delete_many({})
