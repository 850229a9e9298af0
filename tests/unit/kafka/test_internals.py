"""What the keyed subscriber uses of FastStream and aiokafka beyond their documented interfaces.

A failure here says: the library has moved. Read what it does now (docs/adr/0002) before adapting anything.
"""

import inspect
import re
from importlib.metadata import version

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import MessageAccumulator
from faststream._internal.broker.registrator import Registrator
from faststream._internal.endpoint.subscriber.mixins import TasksMixin
from faststream._internal.endpoint.subscriber.usecase import SubscriberUsecase
from faststream.kafka import KafkaBroker
from faststream.kafka.publisher.producer import AioKafkaFastProducerImpl
from faststream.kafka.publisher.state import RealProducer
from faststream.kafka.subscriber.usecase import DefaultSubscriber, LogicSubscriber
from pydantic import SecretStr

from kit.kafka import keyed, make_broker
from kit.kafka.producer import Producer
from kit.settings import KafkaSettings, KeyedSettings
from schemas.events import MAX_EVENT_BYTES
from tests.unit.kafka.fakes import RecordingFailures


def test_the_versions_are_those_that_were_read() -> None:
    assert version("faststream").startswith("0.7.")
    assert version("aiokafka").startswith("0.14.")


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (LogicSubscriber._run_consume_loop, ["self", "consumer"]),
        (LogicSubscriber.start, ["self"]),
        (LogicSubscriber.stop, ["self"]),
        (SubscriberUsecase.process_message, ["self", "msg"]),
        (SubscriberUsecase.add_call, ["self", "parser_", "decoder_", "dependencies_", "codec_"]),
        (TasksMixin.add_task, ["self", "func", "func_args", "func_kwargs", "restart_on_failure"]),
        (Registrator.subscriber, ["self", "subscriber", "persistent"]),
        (AioKafkaFastProducerImpl.connect, ["self", "producer", "serializer", "codec"]),
        (AioKafkaFastProducerImpl.publish, ["self", "cmd"]),
        (AioKafkaFastProducerImpl.publish_batch, ["self", "cmd"]),
        (AioKafkaFastProducerImpl.disconnect, ["self"]),
        (MessageAccumulator.fail_all, ["self", "exception"]),
        (AIOKafkaConsumer.getmany, ["self", "partitions", "timeout_ms", "max_records"]),
        (AIOKafkaConsumer.seek, ["self", "partition", "offset"]),
        (AIOKafkaConsumer.beginning_offsets, ["self", "partitions"]),
        (AIOKafkaConsumer.end_offsets, ["self", "partitions"]),
        (AIOKafkaConsumer.offsets_for_times, ["self", "timestamps"]),
        (AIOKafkaConsumer.position, ["self", "partition"]),
        (AIOKafkaConsumer.committed, ["self", "partition"]),
        (AIOKafkaConsumer.seek_to_beginning, ["self", "partitions"]),
        (GroupCoordinator.fetch_committed_offsets, ["self", "partitions"]),
        (GroupCoordinator.ensure_coordinator_known, ["self"]),
        (GroupCoordinator._do_commit_offsets, ["self", "assignment", "offsets"]),
    ],
)
def test_what_we_call_or_override_looks_as_it_did(method: object, parameters: list[str]) -> None:
    assert callable(method)
    assert list(inspect.signature(method).parameters) == parameters


def test_the_attributes_that_we_set_or_read_exist() -> None:
    assert {"_parser", "_decoder", "running", "calls"} <= set(SubscriberUsecase.__slots__)
    assert {"consumer", "group_id", "_listener"} <= set(LogicSubscriber.__slots__)
    assert "parser" in DefaultSubscriber.__slots__
    assert {"_producer", "serializer", "codec"} <= set(AioKafkaFastProducerImpl.__slots__)
    assert "producer" in RealProducer.__slots__
    assert {"_coordinator", "_subscription"} <= set(re.findall(r"self\.(\w+) =", inspect.getsource(AIOKafkaConsumer)))
    assert "self._commit_lock = asyncio.Lock()" in inspect.getsource(GroupCoordinator.__init__)


def test_a_poll_still_waits_through_a_rebalance_and_filters_by_partition() -> None:
    """The two facts behind the seek in `KeyedSubscriber._deliver` and the poll of no partition at all."""
    source = inspect.getsource(Fetcher.fetched_records)
    assert "wait_for_assignment" in source
    assert "if partitions and tp not in partitions" in source


def test_a_poll_that_fails_still_forgets_what_it_had_in_hand() -> None:
    """The fact behind `kit.kafka.polling`: a local of the call holds the records whose positions have moved."""
    assert "drained = {}" in inspect.getsource(Fetcher.fetched_records)
    assert "_update_position" in inspect.getsource(FetchResult.getall)


def test_a_place_that_is_missing_is_still_told_of_with_its_partition() -> None:
    """What `kit.kafka.polling` takes from such errors."""
    assert "OffsetOutOfRangeError({tp: fetch_offset})" in inspect.getsource(Fetcher._proc_fetch_request)
    assert "NoOffsetForPartitionError(tp)" in inspect.getsource(Fetcher._update_fetch_positions)


def test_the_clients_own_commit_still_goes_on_behind_our_back() -> None:
    """Why `kit.kafka.offsets` commits below it; once it no longer does, that can go."""
    source = inspect.getsource(GroupCoordinator.commit_offsets)
    assert "while True" in source
    assert "asyncio.shield(self._do_commit_offsets" in source


def test_the_subscriber_commits_nothing_by_itself() -> None:
    broker = make_broker(KafkaSettings(), client_id="c")
    subscriber = keyed(
        broker, "imports.requested", group_id="g", stage="fetcher", settings=KeyedSettings(),
        failures=RecordingFailures(),
    )  # fmt: skip
    arguments = subscriber._connection_args
    assert arguments["enable_auto_commit"] is False
    assert arguments["auto_offset_reset"] == "none"
    # Bounds on what lies fetched in memory; the first batch of a fetch comes whole whatever its size.
    assert arguments["max_partition_fetch_bytes"] < arguments["fetch_max_bytes"] < 2 * MAX_EVENT_BYTES + 1
    # A revocation drains and commits before the group goes on without it.
    assert arguments["rebalance_timeout_ms"] > KeyedSettings().revoke_timeout.total_seconds() * 1000
    assert arguments["heartbeat_interval_ms"] < arguments["session_timeout_ms"]
    assert subscriber in broker.subscribers
    assert subscriber.topics_to_create == []


async def test_publishes_are_idempotent_and_acknowledged_by_all() -> None:
    broker = make_broker(KafkaSettings(), client_id="c")
    assert isinstance(broker, KafkaBroker)
    assert isinstance(broker.config.producer, Producer)
    producer = broker.config.producer._make()
    assert producer._sender.sender_task is None
    assert producer._txn_manager is not None  # idempotence
    assert producer._sender._acks == -1
    assert producer._max_request_size > 4 * 1024 * 1024
    await producer.client.close()
    producer._closed = True


def test_passwords_reach_kafka_and_no_repr() -> None:
    settings = KafkaSettings(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="u",
        kafka_sasl_password=SecretStr("p4ss"),
        kafka_bootstrap_servers="a:1,b:2",
    )
    broker = make_broker(settings, client_id="c")
    arguments = broker._connection_kwargs
    assert arguments["bootstrap_servers"] == ["a:1", "b:2"]
    assert (arguments["security_protocol"], arguments["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert arguments["sasl_plain_password"] == "p4ss"
    assert arguments["ssl_context"] is not None
    assert "p4ss" not in repr(settings)
