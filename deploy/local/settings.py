"""Where the local engines live; read from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from deploy.local.kafka import Kafka
from deploy.local.mongo import Mongo
from kit.settings import Settings


class LocalSettings(Settings):
    local_dir: Path = Field(
        Path(".local"), description="folder for data, logs and downloads; may be deleted whenever nothing runs"
    )
    kafka_port: int = Field(9092, ge=1, le=65_535)
    kafka_controller_port: int = Field(9093, ge=1, le=65_535)
    mongodb_port: int = Field(27017, ge=1, le=65_535)
    kafka_bootstrap_servers: str = Field("", description="a Kafka that runs elsewhere: none is started here")
    mongodb_url: SecretStr = Field(SecretStr(""), description="a MongoDB that runs elsewhere: none is started here")

    def kafka(self) -> Kafka | None:
        """The Kafka to run here; None where an external one is set."""
        if self.kafka_bootstrap_servers:
            return None
        return Kafka(self.local_dir / "kafka", self.kafka_port, self.kafka_controller_port)

    def mongo(self) -> Mongo | None:
        """The MongoDB to run here; None where an external one is set."""
        return None if self.mongodb_url.get_secret_value() else Mongo(self.local_dir / "mongodb", self.mongodb_port)

    def environment(self) -> dict[str, str]:
        """The addresses of the engines, wherever they run, as services read them."""
        kafka, mongo = self.kafka(), self.mongo()
        return {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address if kafka else self.kafka_bootstrap_servers,
            "MONGODB_URL": mongo.address if mongo else self.mongodb_url.get_secret_value(),
        }
