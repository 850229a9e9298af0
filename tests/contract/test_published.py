"""`schemas/published/`: what it says is what the code does, and what was published before still holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from faststream.kafka import KafkaMessage, TestKafkaBroker
from jsonschema import Draft202012Validator

from kit.kafka import make_broker
from kit.kafka.dead_letters import park
from kit.kafka.events import TRACEPARENT, headers_of
from kit.kafka.topics import configs
from kit.settings import KafkaSettings
from schemas.events import EVENTS
from schemas.journey import TOPICS, dead_letters
from schemas.publish import PUBLISHED, as_text, generate, objections, read
from tests.unit.kafka.fakes import record, requested

OURS = generate()
ASYNCAPI = OURS["asyncapi.json"]


def test_nobody_is_broken_who_goes_by_what_is_published() -> None:
    assert objections(read(), generate()) == [], "raise the event's version, then run `make schemas`"


def test_what_is_published_is_what_the_code_says() -> None:
    published = {file.name: file.read_text("utf-8") for file in PUBLISHED.iterdir()}
    ours = {name: as_text(document) for name, document in generate().items()}
    assert sorted(published) == sorted(ours), "run `make schemas`"
    assert [name for name in ours if published[name] != ours[name]] == [], "run `make schemas`"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_message_has_the_schema_of_its_event(event: Any) -> None:
    schema = OURS[ASYNCAPI["components"]["messages"][event.__name__]["payload"]["$ref"]]
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == event.__name__
    assert '"discriminator"' not in as_text(schema)  # an object in OpenAPI, a string in AsyncAPI
    assert schema["properties"]["version"]["default"] == event.model_fields["version"].default


def test_what_is_sent_is_valid() -> None:
    schema = Draft202012Validator(OURS["imports.requested.v1.json"])
    sent = requested().model_dump(mode="json")
    assert schema.is_valid(sent)
    assert not schema.is_valid(sent | {"url": "ftp://example.org"})


def test_every_reference_leads_somewhere() -> None:
    for target in references(ASYNCAPI):
        file, _, pointer = target.partition("#")
        found = OURS[file] if file else ASYNCAPI
        for name in pointer.split("/")[1:]:
            found = found[name]


def test_an_event_travels_with_the_headers_of_its_message() -> None:
    event = requested()
    headers = headers_of(event, "gateway") | {TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    schema = ASYNCAPI["components"]["messageTraits"]["event"]["headers"]
    assert set(schema["properties"]) == set(headers)
    assert set(schema["required"]) == set(headers_of(event, "gateway"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(headers)
    assert headers["ce_type"] in ASYNCAPI["channels"][event.topic]["messages"]


async def test_a_dead_letter_travels_with_the_headers_of_its_message() -> None:
    broker = make_broker(KafkaSettings(), client_id="fetcher")
    seen: list[dict[str, str]] = []

    @broker.subscriber(dead_letters("fetcher"))
    async def keep(message: KafkaMessage) -> None:
        seen.append({name: str(value) for name, value in message.headers.items()})

    async with TestKafkaBroker(broker):
        parked = record(b"?", topic="imports.requested")
        await park(broker, parked, stage="fetcher", group="g", attempts=1, reason="not_json", error_class="Poison")
    (message,) = ASYNCAPI["channels"][dead_letters("fetcher")]["messages"]
    Draft202012Validator(ASYNCAPI["components"]["messages"][message]["headers"]).validate(seen[0])


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_made_as_its_channel_says(topic: Any) -> None:
    kafka = ASYNCAPI["channels"][topic.name]["bindings"]["kafka"]
    said = kafka["topicConfiguration"] | {"cleanup.policy": ",".join(kafka["topicConfiguration"]["cleanup.policy"])}
    assert {name: str(value) for name, value in said.items()}.items() <= configs(topic).items()
    assert kafka["partitions"] == topic.partitions


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(each)
