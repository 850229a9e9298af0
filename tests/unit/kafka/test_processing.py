"""Settlement through FastStream's in-memory broker: what becomes of a record whose handler fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import InvalidMessageError, KafkaConnectionError, MessageSizeTooLargeError
from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker

from kit.errors import ContentNotFoundError, InternalError, RateLimitError, UpstreamUnavailableError
from kit.kafka import keyed, make_broker
from kit.kafka.breaker import State
from kit.settings import KafkaSettings, KeyedSettings
from tests.unit.kafka.fakes import Away, Numbered, RecordingFailures, Unstorable, record

QUICK = KeyedSettings(retry_backoff=timedelta(0), handler_timeout=timedelta(seconds=5))


async def undecoded(message: KafkaMessage) -> bytes:
    return bytes(message.body)


class Stage:
    """A stage with one handler, and a reader of its dead letters."""

    def __init__(
        self,
        handler: Callable[[Numbered], Awaitable[Any]],
        failures: RecordingFailures | None = None,
        settings: KeyedSettings = QUICK,
        stage: str = "stage",
        topic: str = "numbered",
    ) -> None:
        self.failures = failures or RecordingFailures()
        self.calls = 0
        self.parked: list[Any] = []
        self.broker: KafkaBroker = make_broker(KafkaSettings(), client_id="stage")

        @self.broker.subscriber(f"{stage}.dead-letters", decoder=undecoded)
        async def on_dead_letter(message: KafkaMessage) -> None:
            self.parked.append(message.raw_message)

        self.subscriber = keyed(
            self.broker, topic, group_id="g", stage=stage, settings=settings, failures=self.failures,
            events={topic: Numbered},
        )  # fmt: skip

        @self.subscriber
        async def handle(event: Numbered) -> Any:
            self.calls += 1
            return await handler(event)

    async def receive(self, value: bytes | None = None, **kwargs: Any) -> None:
        value = Numbered.make(1).model_dump_json().encode() if value is None and "null" not in kwargs else value
        kwargs.pop("null", None)
        async with TestKafkaBroker(self.broker):
            await self.subscriber.process_message(record(value, **kwargs))

    @property
    def reasons(self) -> list[bytes]:
        return [dict(parked.headers)["x-dead-letter-reason"] for parked in self.parked]


def failing(*errors: BaseException) -> Callable[[Numbered], Awaitable[None]]:
    """Fails with each error once, then succeeds."""
    left = list(errors)

    async def handler(_event: Numbered) -> None:
        if left:
            raise left.pop(0)

    return handler


async def test_a_transient_failure_is_tried_again_in_place() -> None:
    stage = Stage(failing(ConnectionError(), ConnectionError()))
    await stage.receive()
    assert stage.calls == 3
    assert not stage.failures.deferred


async def test_exhausted_retries_are_deferred() -> None:
    stage = Stage(failing(*[ConnectionError() for _ in range(9)]))
    await stage.receive(offset=5)
    assert stage.calls == 1 + QUICK.max_retries
    assert [offset for offset, _ in stage.failures.deferred] == [5]


async def test_whoever_asks_for_a_long_pause_is_deferred_at_once() -> None:
    error = ConnectionError()
    error.retry_after = 600  # type: ignore[attr-defined]
    stage = Stage(failing(error))
    await stage.receive()
    assert stage.calls == 1
    assert stage.failures.deferred == [(0, error)]


async def test_a_rate_limit_is_deferred_and_a_missing_page_fails() -> None:
    for error, store in ((RateLimitError("wait"), "deferred"), (ContentNotFoundError("gone"), "failed")):
        stage = Stage(failing(error))
        await stage.receive()
        assert stage.calls == 1
        assert getattr(stage.failures, store) == [(0, error)]
        assert stage.parked == []


async def test_a_bug_is_parked_with_its_context_and_its_owner_is_told() -> None:
    stage = Stage(failing(LookupError("secret 1234")))
    await stage.receive(offset=7, partition=2, key=b"key", headers=(("ce_id", b"1"), ("other", b"x")))
    (parked,) = stage.parked
    headers = dict(parked.headers)
    assert parked.value == Numbered.make(1).model_dump_json().encode()
    assert parked.key == b"key"
    assert headers["ce_id"] == b"1"
    assert {name.removeprefix("x-dead-letter-") for name in headers if name.startswith("x-dead-letter-")} == {
        "topic", "partition", "offset", "timestamp", "group", "stage", "attempts", "reason", "error-class", "failed-at",
    }  # fmt: skip
    assert headers["x-dead-letter-offset"] == b"7"
    assert headers["x-dead-letter-attempts"] == b"1"
    assert headers["x-dead-letter-error-class"] == b"LookupError"
    assert b"1234" not in b"".join(headers.values())
    ((_, told),) = stage.failures.failed
    assert isinstance(told, InternalError)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"not json", b"not_json"),
        (b"", b"not_json"),
        (b"[" * 100_000, b"not_json"),
        (b"\xff\xfe", b"not_json"),
        (b"{}", b"wrong_schema"),
        (b"[]", b"wrong_schema"),
        (Numbered.make(1).model_dump_json().replace('"version":1', '"version":2').encode(), b"unknown_version"),
        (b'{"version": 2}', b"unknown_version"),
        (b"x" * 2 * 1024 * 1024, b"too_large"),
        (None, b"null_value"),
    ],
)
async def test_poison_is_parked_by_reason_without_asking_the_handler(value: bytes | None, reason: bytes) -> None:
    stage = Stage(failing())
    await stage.receive(value, null=value is None)
    assert stage.calls == 0
    assert stage.reasons == [reason]
    assert len(stage.failures.failed) == 1


async def test_headers_that_are_not_text_fail_nothing() -> None:
    stage = Stage(failing())
    await stage.receive(headers=(("content-type", b"\xff\xfe"), ("ce_id", None), ("correlation_id", b"\xc3\x28")))
    assert stage.calls == 1
    assert stage.parked == []


async def test_a_header_name_counts_by_its_bytes() -> None:
    """As characters these names would pass; Kafka would refuse the letter for ever."""
    stage = Stage(failing())
    await stage.receive(b"not json", headers=(("€" * 1_500_000, b""),))
    (parked,) = stage.parked
    assert stage.reasons == [b"not_json"]
    assert dict(parked.headers)["x-dead-letter-truncated"]
    assert parked.value == b"not json"


@pytest.mark.parametrize("refusal", [MessageSizeTooLargeError(), InvalidMessageError(), ValueError()])
async def test_a_letter_that_is_refused_whole_is_parked_in_part(refusal: Exception) -> None:
    stage = Stage(failing())
    publish = stage.broker.publish
    refused = []

    async def picky(value: Any, *args: Any, headers: dict[str, str], **kwargs: Any) -> Any:
        if "odd" in headers:
            refused.append(value)
            raise refusal
        return await publish(value, *args, headers=headers, **kwargs)

    stage.broker.publish = picky  # type: ignore[method-assign, assignment]
    await stage.receive(b"not json" * 20_000, headers=(("odd", b"x"),))
    assert len(refused) == 1
    (parked,) = stage.parked
    assert len(parked.value) == 65_536
    assert "x-dead-letter-truncated" in dict(parked.headers)


async def test_what_cannot_be_stored_is_the_records_fault_and_not_ours() -> None:
    """However many of them come, the breaker stays closed; each is parked under its own reason."""
    errors = [Unstorable() for _ in range(5)]
    stage = Stage(failing(*errors), settings=QUICK.model_copy(update={"breaker_window": 2}))
    for offset in range(len(errors)):
        await stage.receive(offset=offset)
    assert stage.reasons == [b"not_storable"] * len(errors)
    assert stage.subscriber.breaker.state is State.CLOSED
    assert len(stage.failures.failed) == len(errors)


async def test_only_the_answering_stage_parks_what_nobody_can_read() -> None:
    stage = Stage(failing(), stage="projector", topic="imports.requested")
    await stage.receive(b"not json", topic="imports.requested")
    assert stage.parked == []
    assert stage.failures.failed == []


async def test_an_outage_of_our_own_is_waited_out_and_counts_against_no_retry() -> None:
    stage = Stage(failing(*[Away() for _ in range(8)], *[KafkaConnectionError() for _ in range(8)]))
    await stage.receive()
    assert stage.calls == 17
    assert not stage.failures.deferred
    assert stage.parked == []


async def test_what_kafka_refuses_to_carry_is_parked() -> None:
    stage = Stage(failing(MessageSizeTooLargeError()))
    await stage.receive()
    assert stage.reasons == [b"bug"]


@pytest.mark.parametrize("error", [RateLimitError("wait"), ContentNotFoundError("gone"), LookupError()])
async def test_a_store_that_is_away_is_asked_again_until_it_takes_the_failure(error: Exception) -> None:
    stage = Stage(failing(error), RecordingFailures(away=5))
    await stage.receive()
    assert stage.calls == 1
    assert len(stage.failures.deferred) + len(stage.failures.failed) == 1
    assert len(stage.parked) == (1 if isinstance(error, LookupError) else 0)


@pytest.mark.parametrize("error", [RateLimitError("wait"), ContentNotFoundError("gone")])
async def test_a_store_that_never_answers_is_asked_again_and_parks_nothing(error: Exception) -> None:
    quick = QUICK.model_copy(update={"handler_timeout": timedelta(seconds=0.2)})
    stage = Stage(failing(error), RecordingFailures(hanging=2), quick)
    await stage.receive()
    assert [*stage.failures.deferred, *stage.failures.failed] == [(0, error)]
    assert stage.parked == []


@pytest.mark.parametrize("error", [RateLimitError("wait"), ContentNotFoundError("gone"), LookupError()])
async def test_a_failure_that_the_stage_cannot_write_is_parked_once(error: Exception) -> None:
    stage = Stage(failing(error), RecordingFailures(broken=True))
    await stage.receive()
    assert stage.reasons == [b"bug"]


async def test_a_handler_that_takes_too_long_is_deferred() -> None:
    cancelled = []

    async def handler(_event: Numbered) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    stage = Stage(handler, settings=KeyedSettings(handler_timeout=timedelta(seconds=0.2)))
    await stage.receive()
    assert cancelled == [True]
    ((_, error),) = stage.failures.deferred
    assert isinstance(error, UpstreamUnavailableError)


async def test_a_replayed_record_that_fails_again_has_one_set_of_context_headers() -> None:
    stage = Stage(failing(LookupError()))
    await stage.receive(headers=(("x-dead-letter-reason", b"old"), ("x-replayed-at", b"then")))
    (parked,) = stage.parked
    assert [value for name, value in parked.headers if name == "x-dead-letter-reason"] == [b"bug"]
    assert dict(parked.headers)["x-replayed-at"] == b"then"
