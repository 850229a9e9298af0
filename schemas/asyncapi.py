"""The AsyncAPI document of the journey: every topic, who sends and who receives, and what its records look like.

Written from `schemas.journey` and not by FastStream, which knows one process at a time, gives each of its subscribers a
channel of its own, and says nothing of headers, keys and retention. A contract test holds it against the wire.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from schemas.events import EVENTS, Event, ImportFailed
from schemas.journey import JOURNEY, STAGES, TOPICS, Topic, dead_letters

Document = dict[str, Any]

BINDING = {"bindingVersion": "0.5.0"}
TEXT = {"type": "string"}
DEAD_LETTER = "DeadLetter"


def schema_file(event: type[Event]) -> str:
    return f"{event.topic}.v{event.model_fields['version'].default}.json"


def asyncapi() -> Document:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Thrive Imports",
            "version": "1",
            "description": "The events of an import, from a pasted link to a project and its points. Delivery is at "
            "least once: an event's id tells whether it was seen before. Readers ignore fields that they do not know.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operations()),
        "components": {
            "messages": {event.__name__: _event(event) for event in EVENTS} | {DEAD_LETTER: _dead_letter()},
            "messageTraits": {"event": _event_trait()},
        },
    }


def _channel(topic: Topic) -> Document:
    message = next((event.__name__ for event in EVENTS if event.topic == topic.name), DEAD_LETTER)
    configuration = {
        "cleanup.policy": ["delete"],
        "max.message.bytes": topic.max_message_bytes,
        "retention.ms": topic.retention // timedelta(milliseconds=1),
    }
    return {
        "address": topic.name,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": BINDING | {"partitions": topic.partitions, "topicConfiguration": configuration}},
    }


def _operations() -> Iterator[tuple[str, Document]]:
    for step in JOURNEY:
        failed = (ImportFailed,) if step.consumes else ()
        yield from (_operation(step.stage, "receive", event.topic) for event in step.consumes)
        yield from (_operation(step.stage, "send", event.topic) for event in (*step.emits, *failed))
    yield from (_operation(stage, "send", dead_letters(stage)) for stage in STAGES)


def _operation(stage: str, action: str, topic: str) -> tuple[str, Document]:
    return f"{stage}.{action}.{topic}", {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}


def _event(event: type[Event]) -> Document:
    return {
        "name": event.__name__,
        "payload": {"$ref": schema_file(event)},
        "traits": [{"$ref": "#/components/messageTraits/event"}],
    }


def _event_trait() -> Document:
    """CloudEvents 1.0 in Kafka's binary mode."""
    headers = {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": TEXT | {"format": "uuid", "description": "The event's id; a repeated event has the same one."},
        "ce_type": TEXT | {"description": "The name of the message."},
        "ce_source": TEXT | {"format": "uri-reference", "description": "The process that sent it: /fetcher."},
        "ce_time": TEXT | {"format": "date-time", "description": "When it was sent."},
        "ce_subject": TEXT | {"format": "uuid", "description": "The event's import_id."},
        "traceparent": TEXT | {"description": "W3C Trace Context, where the import is traced."},
    }
    key = TEXT | {"description": "The event's user_id, a space and its url. Events of one key stay in order."}
    return {
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers, "required": sorted(headers.keys() - {"traceparent"})},
        "bindings": {"kafka": BINDING | {"key": key}},
    }


def _dead_letter() -> Document:
    headers = {"type": "object", "patternProperties": {"^x-dead-letter-": TEXT}}
    origin = [f"x-dead-letter-{name}" for name in ("topic", "partition", "offset")]
    return {
        "name": DEAD_LETTER,
        "summary": "What a stage could not handle: its key, bytes and headers, and the reason in further headers; "
        "or, without bytes, a note of a replay.",
        "contentType": "application/octet-stream",
        "headers": headers | {"required": origin},
    }
