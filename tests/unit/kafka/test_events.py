from typing import Any

import pytest
from faststream.kafka import KafkaMessage, TestKafkaBroker
from pydantic import ValidationError

from kit.kafka import keyed, make_broker
from kit.kafka.keyed import _max_bytes
from kit.settings import KafkaSettings, KeyedSettings
from schemas.content import MAX_TEXT_CHARS, Item, Project
from schemas.events import ContentFetched, ImportRequested, SourceSynced
from tests.unit.kafka.fakes import RecordingFailures, record, requested


def fetched(event: ImportRequested, part: str = "", text: str = "") -> ContentFetched:
    item = Item(
        integration="github", external_id="1", url="https://github.com/o/r", kind="github_repo", title="r",
        full_name="o/r", text=text,
    )  # fmt: skip
    return ContentFetched(
        id=event.child_id(ContentFetched, part), import_id=event.import_id, user_id="u", url=event.url, item=item
    )


def synced(event: ImportRequested) -> SourceSynced:
    return SourceSynced(
        id=event.child_id(SourceSynced), import_id=event.import_id, user_id="u", url=event.url,
        source_id=event.id, items_found=2, synced_at=event.requested_at,
    )  # fmt: skip


async def published_for(returned: Any, *, headers: tuple[tuple[str, Any], ...] = ()) -> dict[str, list[Any]]:
    """What a handler that returns this publishes, by topic."""
    broker = make_broker(KafkaSettings(), client_id="fetcher")
    seen: dict[str, list[Any]] = {ContentFetched.topic: [], SourceSynced.topic: []}
    for topic in seen:

        @broker.subscriber(topic, group_id=f"reader-{topic}")
        async def read(message: KafkaMessage) -> None:
            raw: Any = message.raw_message
            seen[raw.topic].append(raw)

    subscribe = keyed(
        broker, "imports.requested", group_id="fetcher", stage="fetcher", settings=KeyedSettings(),
        failures=RecordingFailures(),
    )  # fmt: skip

    @subscribe
    @broker.publisher(ContentFetched.topic, schema=ContentFetched)
    @broker.publisher(SourceSynced.topic, schema=SourceSynced)
    async def handle(event: ImportRequested) -> Any:
        return returned

    async with TestKafkaBroker(broker):
        value = requested().model_dump_json().encode()
        await subscribe.process_message(record(value, topic="imports.requested", headers=headers))
    return seen


async def test_a_returned_event_carries_its_key_and_cloudevents_headers() -> None:
    event = fetched(requested())
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = await published_for(event, headers=(("traceparent", trace),))
    (sent,) = seen[ContentFetched.topic]
    headers = dict(sent.headers)
    assert sent.key == event.key
    assert ContentFetched.model_validate_json(sent.value) == event
    assert headers["ce_id"].decode() == str(event.id)
    assert headers["ce_type"] == b"ContentFetched"
    assert headers["ce_source"] == b"/fetcher"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_subject"].decode() == str(event.import_id)
    assert headers["ce_time"].endswith(b"+00:00")
    assert headers["content-type"] == b"application/json"
    assert headers["traceparent"] == trace


async def test_every_event_goes_to_the_publisher_of_its_own_topic() -> None:
    event = requested()
    seen = await published_for([fetched(event, "1"), fetched(event, "2"), synced(event)])
    assert len(seen[ContentFetched.topic]) == 2
    assert len(seen[SourceSynced.topic]) == 1


@pytest.mark.parametrize("returned", [None, []])
async def test_nothing_returned_is_nothing_published(returned: Any) -> None:
    assert not any((await published_for(returned)).values())


async def test_a_published_event_needs_no_handler() -> None:
    broker = make_broker(KafkaSettings(), client_id="gateway")
    seen: list[Any] = []

    @broker.subscriber(ImportRequested.topic)
    async def read(message: KafkaMessage) -> None:
        seen.append(message.raw_message)

    async with TestKafkaBroker(broker):
        await broker.publish(requested(), topic=ImportRequested.topic)
    assert seen[0].key == requested().key
    assert dict(seen[0].headers)["ce_source"] == b"/gateway"


def test_a_readme_of_one_mebibyte_passes_with_every_character_escaped() -> None:
    event = fetched(requested(), text='"\n' * (MAX_TEXT_CHARS // 2))
    assert len(event.model_dump_json()) <= _max_bytes(ContentFetched)


@pytest.mark.parametrize("model", [Item, Project])
@pytest.mark.parametrize("name", ["a\0b", "", "$where", "a.b", "Stars", "stars\n", "x" * 61])
def test_a_fact_has_a_name_that_every_store_can_hold(model: type[Item | Project], name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"metadata": {name: 1}})
    assert "string_pattern_mismatch" in {e["type"] for e in refused.value.errors() if e["loc"][0] == "metadata"}
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"metadata": {"view_count_2": "a\0b"}})
    assert not [e for e in refused.value.errors() if e["loc"][0] == "metadata"]
