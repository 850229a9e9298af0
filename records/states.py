"""What imports and batches have in common: their states, an error and the idempotency keys."""

from datetime import datetime
from enum import StrEnum
from typing import NotRequired, TypedDict


class State(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


TERMINAL = (State.COMPLETED, State.FAILED)


class ErrorBody(TypedDict):
    """What the owner is told about a failure."""

    error: str
    error_code: str
    action: str
    suggestion: str
    retry_at: NotRequired[datetime]


class IdempotencyKey(TypedDict):
    key: str
    fingerprint: str  # of the request that sent the key
