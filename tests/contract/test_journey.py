"""The journey as it is written in `schemas.journey`, against what every service really registers with its broker."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from kit.kafka.subscriber import KeyedSubscriber
from records.stage import Stage
from schemas.events import EVENTS
from schemas.journey import JOURNEY, STAGES, TOPICS, dead_letters, stage_of
from services.analyzer.app import build as build_analyzer
from services.analyzer.settings import AnalyzerSettings
from services.awarder.app import build as build_awarder
from services.awarder.settings import AwarderSettings
from services.fetcher.app import build as build_fetcher
from services.fetcher.settings import FetcherSettings
from services.transformer.app import build as build_transformer
from services.transformer.settings import TransformerSettings
from services.writer.app import build as build_writer
from services.writer.settings import WriterSettings

PROCESSES: dict[str, tuple[Callable[[Any], Stage], type[Any]]] = {
    "fetcher": (build_fetcher, FetcherSettings),
    "analyzer": (build_analyzer, AnalyzerSettings),
    "transformer": (build_transformer, TransformerSettings),
    "writer": (build_writer, WriterSettings),
    "awarder": (build_awarder, AwarderSettings),
}
PROJECTOR = "projector"  # lives in the writer's process, in a consumer group of its own


@pytest.fixture(scope="module")
def subscribers() -> dict[str, list[KeyedSubscriber]]:
    """By stage. Nothing connects: a process is built before it runs."""
    found: dict[str, list[KeyedSubscriber]] = defaultdict(list)
    for name, (build, settings) in PROCESSES.items():
        for subscriber in build(settings()).broker.subscribers:
            assert isinstance(subscriber, KeyedSubscriber), f"{name} reads a topic without the keyed subscriber"
            found[PROJECTOR if subscriber.group == PROJECTOR else name].append(subscriber)
    return found


def test_every_stage_consumes_what_the_journey_says(subscribers: dict[str, list[KeyedSubscriber]]) -> None:
    registered = {stage: sorted(t for s in of_stage for t in s.topic_names) for stage, of_stage in subscribers.items()}
    assert registered == {step.stage: sorted(e.topic for e in step.consumes) for step in JOURNEY if step.consumes}


def test_every_stage_emits_what_the_journey_says() -> None:
    published = {
        name: sorted({publisher.topic for publisher in build(settings()).broker.publishers})  # type: ignore[attr-defined]
        for name, (build, settings) in PROCESSES.items()
    }
    assert published == {
        step.stage: sorted(event.topic for event in step.emits) for step in JOURNEY if step.stage in PROCESSES
    }


def test_no_two_subscribers_of_a_topic_share_a_group(subscribers: dict[str, list[KeyedSubscriber]]) -> None:
    pairs = [(t, s.group) for of_stage in subscribers.values() for s in of_stage for t in s.topic_names]
    assert len(pairs) == len(set(pairs))


def test_every_topic_has_a_stage_that_answers_for_its_poison_and_every_stage_has_dead_letters() -> None:
    names = {topic.name for topic in TOPICS}
    assert {stage_of(event.topic) for event in EVENTS} <= set(STAGES)
    assert names == {event.topic for event in EVENTS} | {dead_letters(stage) for stage in STAGES}
