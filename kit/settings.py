"""Settings that several processes share. Each process adds its own in its `settings.py`.

Read from the environment once, in the process's composition root (`app.py`); durations are `timedelta`s written as
seconds, secrets are `SecretStr`. `.env.example` explains each; a test holds it against these classes.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _seconds(value: object) -> object:
    try:
        return timedelta(seconds=float(value)) if isinstance(value, (int, float, str)) else value
    except OverflowError:
        raise ValueError(f"the longest duration is {timedelta.max.days * 86_400} seconds") from None


def _long_enough(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"it is shorter than {MIN_SECRET_BYTES} bytes")
    return secret


Seconds = Annotated[timedelta, BeforeValidator(_seconds), Field(ge=timedelta(0))]
PositiveSeconds = Annotated[Seconds, Field(gt=timedelta(0))]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$"), AfterValidator(lambda url: url.rstrip("/"))]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]
MIN_SECRET_BYTES = 32  # RFC 7518, 3.2: an HMAC key at least as long as its hash
HmacKey = Annotated[SecretStr, AfterValidator(_long_enough)]  # or empty


class Settings(BaseSettings):
    """Base: environment variables by field name, case-insensitive; empty counts as unset."""

    # a refused value may be a secret, and the refusal ends up in a log
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)


class KafkaSettings(Settings):
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_security_protocol: str = Field("PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$")
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_replication_factor: int = Field(1, ge=1)


class KeyedSettings(Settings):
    """The keyed subscriber (docs/adr/0002). Counts are per process."""

    concurrency: int = Field(100, ge=1, description="events handled at once")
    max_buffered: int = Field(1_000, ge=1, description="unfinished events held in memory, over all partitions")
    max_uncommitted: int = Field(
        5_000, ge=1, description="widest span between the committed offset and the last delivery"
    )
    commit_interval: PositiveSeconds = timedelta(seconds=0.5)
    drain_timeout: PositiveSeconds = timedelta(seconds=20)
    revoke_timeout: PositiveSeconds = Field(timedelta(seconds=8), le=timedelta(hours=1))
    # Kafka takes no longer one, and by default none under six seconds.
    session_timeout: PositiveSeconds = Field(timedelta(seconds=10), ge=timedelta(seconds=1), le=timedelta(minutes=30))
    handler_timeout: PositiveSeconds = timedelta(seconds=120)
    max_deaths: int = Field(
        5, ge=3, le=100, description="deaths of its process that a record may cause before it is parked"
    )
    max_retries: int = Field(3, ge=0)
    retry_backoff: Seconds = timedelta(seconds=0.5)
    breaker_window: int = Field(20, ge=2, description="how many of the last outcomes the circuit breaker counts")
    breaker_ratio: float = Field(0.9, gt=0, le=1, description="share of failures that opens it")
    breaker_cooldown: PositiveSeconds = timedelta(seconds=10)


class MongoSettings(Settings):
    mongodb_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0&directConnection=true")
    mongodb_database: str = "thrive"
    # An import outlives every event that may be published again, and its dead letters; those are kept for 30 days.
    imports_kept: Seconds = Field(
        timedelta(days=180), ge=timedelta(days=31), description="how long imports are kept after their end"
    )
    runs_kept: Seconds = Field(
        timedelta(days=90), ge=timedelta(days=8), description="how long the history of a source is kept"
    )
    notices_kept: Seconds = Field(timedelta(days=180), ge=timedelta(days=1))


class ProcessSettings(Settings):
    """Where a process answers /livez, /readyz and /metrics, and how long it waits for those who ask."""

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65_535)
    log_level: str = "INFO"
    max_connections: int = Field(
        1_000, ge=10, description="connections open at once; at the limit the longest silent one is closed"
    )
    head_timeout: PositiveSeconds = Field(
        timedelta(seconds=10), description="how long a client has for a request's address and headers"
    )
    body_timeout: PositiveSeconds = Field(
        timedelta(seconds=30), description="how long a client has for a request's body"
    )
    send_timeout: PositiveSeconds = Field(
        timedelta(seconds=30), description="how long a client may read nothing of its answer"
    )
    keep_alive_timeout: PositiveSeconds = Field(
        timedelta(seconds=75), description="how long a connection stays open between two requests"
    )


class PushSettings(Settings):
    """Where upstreams reach us, and what their hubs sign with."""

    public_url: Origin = Field("http://127.0.0.1:8000", description="where browsers and hubs reach the gateway")
    webhook_key: HmacKey = Field(SecretStr(""), description="without it, no hub is subscribed to")
