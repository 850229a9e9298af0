"""`keyed`: how a stage subscribes a handler. What it makes is in `kit.kafka.subscriber`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from faststream._internal.broker.registrator import Registrator
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.kafka import KafkaBroker
from faststream.kafka.schemas import Topic
from faststream.kafka.subscriber.config import KafkaSubscriberConfig, KafkaSubscriberSpecificationConfig
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.middlewares import AckPolicy

from kit.kafka import collector
from kit.kafka.breaker import Breaker
from kit.kafka.company import Company
from kit.kafka.events import RecordParser
from kit.kafka.processing import Failures, RecordProcessor
from kit.kafka.subscriber import KeyedSubscriber
from kit.kafka.takeover import Groups
from kit.settings import KeyedSettings
from schemas.events import ContentAnalyzed, ContentFetched, Event, ProjectDrafted
from schemas.journey import EVENT_BY_TOPIC

# A README of 1 MiB, every character of it escaped, passes; the other events carry no text.
MAX_TEXT_EVENT_BYTES = 2 * 1024 * 1024 + 256 * 1024
MAX_SMALL_EVENT_BYTES = 256 * 1024
GATHERED_BYTES = 1024 * 1024  # of records are handed over at once, however long the wait was to be
# Of one fetch, as it travels; a batch that is larger comes alone. Inflated, a hostile one may be a thousand times that,
# and aiokafka inflates whatever it has fetched (docs/operations.md).
FETCH_BYTES = 8 * 1024 * 1024
PARTITION_FETCH_BYTES = 512 * 1024
METADATA_MAX_AGE = 10_000  # ms; a topic that was deleted and made anew is found in that time
TEXT_EVENTS = (ContentFetched, ContentAnalyzed, ProjectDrafted)


def keyed(
    broker: KafkaBroker,
    *topics: str,
    group_id: str,
    stage: str,
    settings: KeyedSettings,
    failures: Failures,
    events: Mapping[str, type[Event]] = EVENT_BY_TOPIC,
    max_event_bytes: int | None = None,
    gather: timedelta | None = None,
    groups: Groups | None = None,
) -> KeyedSubscriber:
    """A subscriber to decorate a handler with, like `broker.subscriber`.

    What the handler cannot handle goes the way of `failures`, or into the dead letters of `stage`. Records over
    `max_event_bytes` are parked unread; by default that depends on whether the topic's event carries text.
    `gather` lets the broker wait so long for more records before it hands over what came: fewer and larger batches.
    `groups` remembers which topics a group has read; without it one that lost its offsets is taken for a new one.
    """
    config = KafkaSubscriberConfig(
        topics=[Topic(name, declare=False) for name in topics],  # `ensure_topics` creates them
        group_id=group_id,
        no_reply=True,  # a header of the record must not choose where we publish
        connection_args=_consumer_args(settings) | _gathering(gather),
        _outer_config=broker.config,  # type: ignore[arg-type]
        _ack_policy=AckPolicy.MANUAL,
    )
    calls: CallsCollection[Any] = CallsCollection()
    specification = KafkaSubscriberSpecification(
        _outer_config=broker.config,  # type: ignore[arg-type]
        calls=calls,
        specification_config=KafkaSubscriberSpecificationConfig(
            topics=config.topics, title_=None, description_=None, include_in_schema=True
        ),
    )
    breaker = Breaker(settings.breaker_window, settings.breaker_ratio, settings.breaker_cooldown.total_seconds())
    processor = RecordProcessor(
        broker, stage=stage, group=group_id, settings=settings, failures=failures, breaker=breaker
    )
    parser = RecordParser(
        {topic: events[topic] for topic in topics},
        {topic: max_event_bytes or _max_bytes(EVENT_BY_TOPIC.get(topic, events[topic])) for topic in topics},
    )
    subscriber = KeyedSubscriber(
        config, specification, calls, settings=settings, processor=processor, breaker=breaker, parser=parser,
        company=_companies.setdefault(broker, Company()), groups=groups,
    )  # fmt: skip
    Registrator.subscriber(broker, subscriber)
    collector.observe(subscriber)
    return subscriber.add_call(parser_=None, decoder_=None, dependencies_=())


# A process has one broker, and its subscribers share its fate.
_companies: "WeakKeyDictionary[KafkaBroker, Company]" = WeakKeyDictionary()


def _max_bytes(event: type[Event]) -> int:
    return MAX_TEXT_EVENT_BYTES if issubclass(event, TEXT_EVENTS) else MAX_SMALL_EVENT_BYTES


def _gathering(wait: timedelta | None) -> dict[str, Any]:
    if wait is None:
        return {}
    return {"fetch_min_bytes": GATHERED_BYTES, "fetch_max_wait_ms": round(wait.total_seconds() * 1_000)}


def _consumer_args(settings: KeyedSettings) -> dict[str, Any]:
    session_ms = round(settings.session_timeout.total_seconds() * 1000)
    return {
        "auto_offset_reset": "none",  # `kit.kafka.takeover` chooses the place
        "metadata_max_age_ms": METADATA_MAX_AGE,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": PARTITION_FETCH_BYTES,
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": session_ms // 3,
        # A revocation drains first; the group must wait for that and for the commit after it.
        "rebalance_timeout_ms": round(settings.revoke_timeout.total_seconds() * 1000) + 5_000,
    }
