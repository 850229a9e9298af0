"""Kafka records as a stage reads them."""

from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord

from schemas.events import ContentFetched, Event

IMPORT_ID = UUID(int=2)
USER_ID = "user with spaces"
URL = "https://github.com/a/b"


class Plain(Event):
    """An event with nothing but what every event has."""


EVENT = Plain(id=UUID(int=1), import_id=IMPORT_ID, user_id=USER_ID, url=URL)


def record(
    value: bytes | None = EVENT.model_dump_json().encode(),
    *,
    key: bytes | None = EVENT.key,
    headers: tuple[tuple[str, bytes], ...] = (),
    offset: int = 7,
) -> "ConsumerRecord[Any, Any]":
    return ConsumerRecord(
        topic=ContentFetched.topic,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=headers,
    )
