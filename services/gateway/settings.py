"""What the gateway is told from outside."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from kit.settings import (
    MIN_SECRET_BYTES,
    KafkaSettings,
    MongoSettings,
    Origin,
    ProcessSettings,
    PushSettings,
    Seconds,
    Settings,
)

Algorithm = Literal[
    "HS256", "HS384", "HS512",
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
]  # fmt: skip


def _names(value: object) -> object:
    return _listed(value) if isinstance(value, str) else value


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_network(name, place) for place, name in enumerate(_listed(value), 1))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _network(name: str, place: int) -> IPv4Network | IPv6Network:
    try:
        return ip_network(name)
    except ValueError:  # pydantic would tell for each of the two kinds why it is not that
        raise ValueError(f"entry {place} is neither an address nor a network") from None


PerHour = Annotated[int, Field(ge=1, le=10_000)]


class LimitSettings(Settings):
    """How many imports of each kind one member may start in an hour, and more of the kind."""

    limit_repositories: PerHour = 10
    limit_videos: PerHour = 20
    limit_channels: PerHour = 5
    limit_syncs: PerHour = Field(20, description="syncs of sources that are requested, not imports")
    limit_oauth_starts: PerHour = Field(1_000, description="sign-ins from one address, connections by one member")
    limit_reads: int = Field(
        600,
        ge=1,
        le=100_000,
        description="public pages in a minute that one address without a token, or one member, may read",
    )
    limit_others: PerHour = Field(20, description="imports of every other integration, each by itself")


class GatewaySettings(LimitSettings, PushSettings, ProcessSettings, MongoSettings, KafkaSettings):
    port: int = Field(8000, ge=0, le=65_535)

    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="comma-separated addresses or networks, whose X-Forwarded-For is believed"
    )
    return_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="comma-separated; besides our own pages, where a browser may be sent after an OAuth flow"
    )

    jwt_issuer: str = "https://thrive.local"
    jwt_audience: str = "thrive-imports"
    jwt_key: SecretStr = Field(SecretStr(""), description="an HS256 secret, a PEM public key, a JWK or a JWK set")
    jwt_jwks_url: str = Field(
        "", pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/]|$)", description="instead of JWT_KEY"
    )
    jwt_algorithms: Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(_names)] = Field(
        ("HS256",), min_length=1, description="comma-separated; nothing else is ever accepted"
    )
    jwt_leeway: Seconds = Field(timedelta(seconds=30), ge=timedelta(0), le=timedelta(seconds=60))

    session_idle: Seconds = Field(timedelta(days=7), description="a session ends when it is unused for so long")
    session_lifetime: Seconds = Field(timedelta(days=30), description="a session ends after this in any case")

    streams_per_member: int = Field(
        20, ge=1, description="status streams and waiting requests of one member, open in one process"
    )
    streams_per_address: int = Field(
        200, ge=1, description="status streams and waiting requests of all who share an address"
    )
    imports_in_flight_per_user: int = Field(
        50, ge=1, description="imports of one member under way; more are accepted, and wait their turn"
    )
    sources_per_member: int = Field(100, ge=1, description="sources that one member may follow")
    publish_timeout: Seconds = Field(
        timedelta(seconds=1), description="how long a request waits for Kafka; then the relay publishes instead"
    )
    max_body_bytes: int = Field(16_384, ge=1_024)
    max_webhook_bytes: int = Field(1_048_576, ge=1_024)
    github_webhook_secret: SecretStr = Field(SecretStr(""), description="without one, GitHub's webhooks are refused")
    shutdown_timeout: Seconds = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        """A public key must never serve as an HMAC secret, so one process takes symmetric or asymmetric tokens."""
        secret = self.jwt_key.get_secret_value()
        if bool(secret) == bool(self.jwt_jwks_url):
            raise ValueError("set JWT_KEY or JWT_JWKS_URL, and only one of them")
        symmetric = {name.startswith("HS") for name in self.jwt_algorithms}
        if len(symmetric) > 1:
            raise ValueError("JWT_ALGORITHMS mixes HMAC with public-key algorithms")
        if True in symmetric:
            if self.jwt_jwks_url or secret.startswith("-----BEGIN"):
                raise ValueError("JWT_ALGORITHMS names HMAC, but the key is a public one")
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"JWT_KEY is shorter than {MIN_SECRET_BYTES} bytes")
        elif secret and not secret.startswith(("-----BEGIN", "{")):
            raise ValueError("JWT_KEY is neither PEM nor JSON, and JWT_ALGORITHMS needs a public key")
        return self
