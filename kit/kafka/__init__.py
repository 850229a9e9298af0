"""Kafka for the stages: `make_broker`, `ensure_topics`, and `keyed`, the subscriber that loses nothing."""

from kit.kafka.broker import make_broker
from kit.kafka.keyed import keyed
from kit.kafka.producer import publishes_well
from kit.kafka.subscriber import KeyedSubscriber
from kit.kafka.topics import ensure_topics, restore_topics

__all__ = ["KeyedSubscriber", "ensure_topics", "keyed", "make_broker", "publishes_well", "restore_topics"]
