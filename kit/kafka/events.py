"""Events on the wire: a JSON body, the project's identity as key, CloudEvents 1.0 attributes as headers (binary mode).

Handlers return an event, several in a list, or None. The middleware gives each its key and headers and sends it to
the publisher of its own topic; reading is strict about what we understand and lenient about everything else.
"""

import asyncio
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from typing import Any

import cramjam
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)
from faststream import BaseMiddleware
from faststream._internal.context.repository import ContextRepo
from faststream.kafka import KafkaMessage
from faststream.kafka.parser import AioKafkaParser
from faststream.kafka.response import KafkaPublishCommand
from faststream.message import StreamMessage
from pydantic import ValidationError
from structlog.contextvars import bound_contextvars

from schemas.events import MAX_EVENT_BYTES, Event
from schemas.journey import EVENT_BY_TOPIC

PUBLISH_TIMEOUT = 30.0  # seconds; an idempotent producer itself never gives up
MAX_OVERHEAD_BYTES = 16 * 1024  # key, headers and the batch around a record
TRACEPARENT = "traceparent"
ATTEMPT = "x-attempt"  # of the import, where an operator opened it again; without it, the first
MAX_ATTEMPT_DIGITS = 9
W3C_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_handling: ContextVar["ConsumerRecord[Any, Any] | None"] = ContextVar("handling", default=None)


@contextmanager
def handling(record: "ConsumerRecord[Any, Any]") -> Iterator[None]:
    """What is published inside belongs to the trace of `record`, what is logged inside to its import."""
    subject = _header(record, "ce_subject")[:36]  # a UUID, or somebody's joke
    token = _handling.set(record)
    try:
        with bound_contextvars(**({"import_id": subject} if subject else {})):
            yield
    finally:
        _handling.reset(token)


def attempt() -> int:
    """Which attempt of its import the record belongs to that is being handled. What is published meanwhile is of the
    same one. Anybody may have written the header; what is no count of ours is none."""
    value = _attempt(_handling.get())
    return int(value) if value else 1


class Poison(Exception):
    """A record that cannot be read. The message is one of a few fixed words and never what was in the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undecodable(ConsumerRecord[Any, Any]):  # type: ignore[misc]
    """Stands for a record that Kafka's client cannot decode: all that is known of it is where it lies."""

    @classmethod
    def at(cls, tp: TopicPartition, offset: int) -> "Undecodable":
        now = round(time.time() * 1000)
        return cls(tp.topic, tp.partition, offset, now, 0, None, None, None, -1, -1, ())


def read(event_type: type[Event], value: bytes | None, max_bytes: int) -> Event:
    """The event in a record's value; raises `Poison` with the reason."""
    if value is None:
        raise Poison("null_value")
    if len(value) > max_bytes:
        raise Poison("too_large")
    try:
        return event_type.model_validate_json(value)
    except ValidationError as error:
        raise Poison(_reason(error)) from None  # the cause would carry the payload into logs


def _reason(error: ValidationError) -> str:
    kinds = {(problem["loc"], problem["type"]) for problem in error.errors(include_url=False, include_input=False)}
    if any(kind == "json_invalid" for _, kind in kinds):
        return "not_json"
    return "unknown_version" if (("version",), "literal_error") in kinds else "wrong_schema"


class RecordParser(AioKafkaParser):
    """Headers are hints and nothing else, so bytes that are not UTF-8, or none at all, do not fail a record."""

    def __init__(self, events: Mapping[str, type[Event]], max_bytes: Mapping[str, int]) -> None:
        super().__init__(msg_class=KafkaMessage, regex=None)
        self._events = events
        self._max_bytes = max_bytes

    async def parse_message(self, message: "ConsumerRecord[Any, Any]") -> "StreamMessage[ConsumerRecord[Any, Any]]":
        headers = {name: (value or b"").decode(errors="replace") for name, value in message.headers}
        return KafkaMessage(
            body=message.value or b"",  # middlewares measure it, and a tombstone has none
            headers=headers,
            content_type=headers.get("content-type"),
            message_id=headers.get("ce_id") or f"{message.offset}-{message.timestamp}",
            correlation_id=headers.get("correlation_id"),
            raw_message=message,
            consumer=self._consumer,
        )

    async def decode_message(self, msg: "StreamMessage[ConsumerRecord[Any, Any]]") -> Any:
        if isinstance(msg.raw_message, Undecodable):
            raise Poison("not_readable")
        topic = msg.raw_message.topic
        return read(self._events[topic], msg.raw_message.value, self._max_bytes[topic])


def headers_of(event: Event, source: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_type": type(event).__name__,
        "ce_source": f"/{source}",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_subject": str(event.import_id),
    }


Publish = Callable[[KafkaPublishCommand], Awaitable[Any]]


class EventMiddleware(BaseMiddleware[KafkaPublishCommand, Any]):
    """Publishes events as described above, each within `PUBLISH_TIMEOUT`; other bodies pass untouched."""

    def __init__(self, msg: Any, /, *, context: ContextRepo, source: str) -> None:
        super().__init__(msg, context=context)
        self._source = source

    async def publish_scope(self, call_next: Publish, cmd: KafkaPublishCommand) -> Any:
        if isinstance(cmd.body, Event):
            return await self._publish(call_next, cmd, cmd.body)
        if isinstance(cmd.body, (list, tuple)) and all(isinstance(event, Event) for event in cmd.body):
            return await asyncio.gather(*(self._publish(call_next, cmd, event) for event in cmd.body))
        if cmd.body is None and self.msg is not None:
            return None  # a handler had nothing to say
        return await call_next(cmd)

    async def _publish(self, call_next: Publish, cmd: KafkaPublishCommand, event: Event) -> Any:
        if cmd.destination in EVENT_BY_TOPIC and not isinstance(event, EVENT_BY_TOPIC[cmd.destination]):
            return None  # it goes out through the publisher of its own topic
        cmd = copy(cmd)
        cmd.headers = headers_of(event, self._source) | _carried() | cmd.headers
        cmd.key = cmd.key or event.key
        cmd.body = event.model_dump_json().encode()
        if len(cmd.body) > MAX_EVENT_BYTES - MAX_OVERHEAD_BYTES:
            # Refused by the broker it would also upset the producer's numbering (aiokafka#1017).
            raise MessageSizeTooLargeError(f"{type(event).__name__} of {len(cmd.body)} bytes")
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                return await call_next(cmd)
        except TimeoutError as error:
            raise KafkaTimeoutError from error


def _carried() -> dict[str, str]:
    """What goes on from the record that is being handled to what comes of it."""
    record = _handling.get()
    trace = _header(record, TRACEPARENT) if record else ""
    carried = {TRACEPARENT: trace if W3C_TRACE.fullmatch(trace) else "", ATTEMPT: _attempt(record)}
    return {name: value for name, value in carried.items() if value}


def _attempt(record: "ConsumerRecord[Any, Any] | None") -> str:
    value = _header(record, ATTEMPT) if record else ""
    return value if value.isascii() and value.isdigit() and len(value) <= MAX_ATTEMPT_DIGITS else ""


def _header(record: "ConsumerRecord[Any, Any]", name: str) -> str:
    return next((value.decode(errors="replace") for key, value in record.headers if key == name and value), "")


def is_undecodable(error: BaseException) -> bool:
    """Whether the bytes are what was written, their checksum being right, and make no record.

    Not so a checksum that is wrong, and whatever else Kafka says: the next fetch may bring better.
    """
    if isinstance(error, CorruptRecordException):
        error = error.__cause__ or error
    return isinstance(error, (ValueError, IndexError, EOFError, zlib.error, cramjam.DecompressionError))
