"""The gateway's HTTP API, as an operator calls it."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import httpx2
from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr

from cli.token import TokenSettings, make_token

SECONDS = 30
HOURS = 1


def _web_address(url: str) -> str:
    if not re.fullmatch(r"(https?://[^\s/]+/?)?", url):
        raise ValueError("must begin with http:// or https://, and have no path")
    return url


class OperatorSettings(TokenSettings):
    """Without JWT_KEY the one is taken that `make run` keeps in `local_dir`; without GATEWAY_URL the gateway that runs
    on this machine."""

    gateway_url: Annotated[str, AfterValidator(_web_address)] = ""
    port: int = Field(8000, ge=1, le=65_535, description="where `make run` puts the gateway")

    @property
    def address(self) -> str:
        """What is set, else what `make run` or `make demo` say while they run, else the usual port."""
        if self.gateway_url:
            return self.gateway_url
        running = (dotenv_values(folder / "operator.env") for folder in (self.local_dir, self.local_dir / "demo"))
        told = (environment.get("GATEWAY_URL") for environment in running)
        return next((url for url in told if url), f"http://127.0.0.1:{self.port}")


class RefusedError(Exception):
    """What the gateway says, for people. `fields` are what it says of parts of the request, by their names."""

    def __init__(
        self, error: str, *, error_code: str = "", fields: Sequence[tuple[str, str]] = (), suggestion: str = ""
    ) -> None:
        told = (error, *(f"{field}: {problem}" for field, problem in fields), suggestion)
        super().__init__("\n".join(words for words in told if words))
        self.error = error
        self.error_code = error_code
        self.fields = fields
        self.suggestion = suggestion


class Gateway:
    """Raises `RefusedError` for every answer that is an error, and httpx2's errors where none comes."""

    def __init__(self, url: str, token: str, transport: httpx2.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(
            base_url=self.url, headers=headers, timeout=SECONDS, trust_env=False, transport=transport
        )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._client.request(method, path, json=body)
        if answer.status_code == 204:
            return {}
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise RefusedError(f"{self.url} is not a Thrive gateway; it answers {answer.status_code}.")
        if answer.is_success:
            return told
        raise RefusedError(
            str(told.get("error", "")),
            error_code=str(told.get("error_code", "")),
            fields=[(str(one["field"]), str(one["problem"])) for one in told.get("fields", ())],
            suggestion=str(told.get("suggestion", "")),
        )


def as_operator(settings: OperatorSettings, transport: httpx2.BaseTransport | None = None) -> Gateway:
    """Raises ValueError where no key is there to sign a token with."""
    kept = settings.local_dir / "jwt.key"
    if not settings.jwt_key.get_secret_value() and kept.exists():
        settings = settings.model_copy(update={"jwt_key": SecretStr(kept.read_text().strip())})
    token = make_token(settings, "operator", HOURS, roles=("operator",))
    return Gateway(settings.address, token, transport)
