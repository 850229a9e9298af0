"""`make schemas`: write `schemas/published/` from the code, unless a change breaks those who go by what is there.

One JSON Schema for each event, `TOPIC.vVERSION.json`, and `asyncapi.json`, which refers to them. A breaking change is
published once its event's `version` is raised: its schema has a new name then, and takes the place of the old one.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import TaggedUnionSchema

from schemas.asyncapi import asyncapi, schema_file
from schemas.compatibility import Audience, Schema, breaking_changes
from schemas.events import EVENTS, Event
from schemas.journey import JOURNEY

PUBLISHED = Path(__file__).with_name("published")
SCHEMA_FILE = re.compile(r".+\.v\d+\.json")
# Where the journey begins others may write as well; everywhere else they read.
COMMANDS = {event.topic for step in JOURNEY if not step.consumes for event in step.emits}


class PlainJsonSchema(GenerateJsonSchema):
    """Without OpenAPI's `discriminator`: AsyncAPI means something else by that word, and JSON Schema nothing."""

    def tagged_union_schema(self, schema: TaggedUnionSchema) -> JsonSchemaValue:
        plain = super().tagged_union_schema(schema)
        plain.pop("discriminator", None)
        return plain


def generate() -> dict[str, Any]:
    """Every document by the name of its file."""
    return {schema_file(event): _schema(event) for event in EVENTS} | {"asyncapi.json": asyncapi()}


def read(folder: Path = PUBLISHED) -> dict[str, Any]:
    return {file.name: json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))}


def as_text(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def objections(published: Mapping[str, Schema], ours: Mapping[str, Schema]) -> list[str]:
    """Why `ours` must not take the place of `published`."""
    latest = dict(map(_topic_and_version, filter(SCHEMA_FILE.fullmatch, ours)))
    found = []
    for name in filter(SCHEMA_FILE.fullmatch, published):
        topic, version = _topic_and_version(name)
        if name in ours:
            audience = Audience.WRITERS if topic in COMMANDS else Audience.READERS
            found += [f"{name}: {change}" for change in breaking_changes(published[name], ours[name], audience)]
        elif latest.get(topic, 0) <= version:
            found.append(f"{name}: no longer published, and no later version is")
    return found


def publish(folder: Path = PUBLISHED) -> list[str]:
    """All of it, or nothing and the objections."""
    ours, published = generate(), read(folder)
    if found := objections(published, ours):
        return found
    folder.mkdir(exist_ok=True)
    for name in published.keys() - ours.keys():
        (folder / name).unlink()
    for name, document in ours.items():
        (folder / name).write_text(as_text(document), "utf-8")
    return []


def _topic_and_version(name: str) -> tuple[str, int]:
    topic, version = name.removesuffix(".json").rsplit(".v", 1)
    return topic, int(version)


def _schema(event: type[Event]) -> Schema:
    mode: JsonSchemaMode = "validation" if event.topic in COMMANDS else "serialization"
    schema = event.model_json_schema(schema_generator=PlainJsonSchema, mode=mode)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_file(event), **schema}


def main() -> None:
    if found := publish():
        sys.exit("\n".join(["This breaks who goes by schemas/published/; raise the event's version:", *found]))


if __name__ == "__main__":
    main()
