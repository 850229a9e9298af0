"""A dead letter, as the command line shows it."""

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from kit.kafka.dead_letters import DeadLetter
from records.stage_failures import Origin
from schemas.journey import EVENT_BY_TOPIC

SHOWN_BYTES = 2_000
MAX_PROBLEMS = 10


def letter_id(letter: DeadLetter) -> str:
    """topic/partition/offset: where the stage read it."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def summary(letter: DeadLetter) -> dict[str, Any]:
    origin = Origin.of(letter)
    return {
        "id": letter_id(letter),
        "stage": letter.stage,
        "reason": letter.reason,
        "error": letter.error_class,
        "attempts": letter.attempts,
        "failed_at": letter.failed_at,
        "import_id": str(origin.import_id) if origin else None,
        "replayed_at": letter.replayed_at,
    }


def details(letter: DeadLetter) -> dict[str, Any]:
    """All of it, key and body as text; `problems` is what today's schema says."""
    return asdict(letter) | {
        "id": letter_id(letter),
        "problems": problems(letter),
        "key": None if letter.key is None else _text(letter.key[:SHOWN_BYTES]),
        "value": None if letter.value is None else _text(letter.value),
        "headers": {name: _text(value or b"") for name, value in letter.headers},
    }


def readable(letter: DeadLetter) -> str:
    """The body: JSON indented, else its text; the first `SHOWN_BYTES`."""
    if letter.value is None:
        return "(no body)"
    text = _text(letter.value)
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(letter.value), indent=2, ensure_ascii=False)
    cut = f"\n… {len(text) - SHOWN_BYTES} more characters; --json has them all" if len(text) > SHOWN_BYTES else ""
    shown = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
    return shown[:SHOWN_BYTES] + cut


def problems(letter: DeadLetter) -> list[str]:
    """Which fields the schema of its topic refuses, and why; empty where it takes the letter today."""
    if letter.value is None or letter.truncated or letter.topic not in EVENT_BY_TOPIC:
        return []
    try:
        EVENT_BY_TOPIC[letter.topic].model_validate_json(letter.value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found[:MAX_PROBLEMS]]
        return told + ([f"… and {len(found) - MAX_PROBLEMS} more"] if len(found) > MAX_PROBLEMS else [])
    return []


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
