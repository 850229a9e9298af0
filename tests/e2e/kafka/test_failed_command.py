"""`thrive failed replay` on real Kafka and MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from cli.main import app
from kit.errors import InternalError
from kit.kafka import ensure_topics, make_broker
from kit.kafka.dead_letters import DeadLetter, park, read
from kit.mongo import Database, connect
from kit.runs import RunOutcome, finished
from kit.settings import KafkaSettings, MongoSettings
from schemas.events import Event, ImportRequested, SyncRequested
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
        command = ["failed", "replay", "--stage", "fetcher", "--reason", self.reason, *options]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, env=self._env | env))

    async def park(self, event: Event) -> None:
        await ensure_topics(self.kafka, TOPICS)
        async with make_broker(self.kafka, client_id="fetcher") as broker:
            await broker.start()
            failed = record(
                event.model_dump_json().encode(), topic=event.topic, key=event.key, offset=event.id.int % 2**62
            )
            await park(
                broker, failed, stage="fetcher", group="g", attempts=1, reason=self.reason, error_class="KeyError"
            )

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
    failed = finished(
        event, RunOutcome.FAILED, reason="interval", started_at=NOW, finished_at=NOW, cost={},
        error=InternalError("Something went wrong on our side.").body(),
    )  # fmt: skip
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
    await rig.park(ImportRequested(id=uuid4(), import_id=uuid4(), user_id="ada", url=URL, requested_at=NOW))
    refused = await rig.replay("--yes")
    assert refused.exit_code == 1
    assert "does not know 1 of these imports" in refused.stderr
    assert (await rig.letter()).replayed_at is None
    forced = await rig.replay("--yes", "--force")
    assert forced.exit_code == 0
    assert "Replayed 1; 0 failed imports" in forced.output


@pytest.mark.parametrize("options", [(), ("--yes",)])
async def test_of_nothing_there_is_nothing_to_replay(rig: Rig, options: tuple[str, ...]) -> None:
    await ensure_topics(rig.kafka, TOPICS)
    result = await rig.replay(*options)
    assert (result.exit_code, result.output) == (0, "Nothing to replay.\n")


async def test_a_mongodb_that_is_away_is_told_in_a_line_and_nothing_is_sent(rig: Rig) -> None:
    await rig.park(sync_requested())
    result = await rig.replay("--yes", MONGODB_URL=f"mongodb://127.0.0.1:{own_port()}/")
    assert result.exit_code == 2
    assert result.stderr == "MongoDB does not answer as it should (ServerSelectionTimeoutError).\n"
    assert (await rig.letter()).replayed_at is None
