"""The sandbox's model answers like OpenAI: by its OpenAPI document, and by what it really said."""

from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI, BadRequestError, LengthFinishReasonError, RateLimitError
from pydantic import BaseModel

from sandbox.client import SandboxClient
from sandbox.upstreams.openai.errors import REFUSALS, SPOILED
from tests.contract.sandbox.conftest import Recordings
from tests.contract.sandbox.official import complaints, of_openapi_response

SPEC = "specs/openai.trimmed.openapi.json"
ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Full name: a/b"}]}
KEY = {"Authorization": "Bearer sandbox-key"}
RECORDED_ERRORS = {
    "bad_credentials": "401.invalid_api_key",
    "rate_limit": "429.rate_limit",
    "insufficient_quota": "429.insufficient_quota",
    "context_length": "400.context_length",
    "server_error": "500.server",
}


class Answer(BaseModel):
    description: str
    technologies: list[str]
    stars: int | None


def _client(sandbox: SandboxClient) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=sandbox.environment["OPENAI_BASE_URL"], api_key="sandbox-key", max_retries=0)


@pytest.mark.parametrize("kind", [None, *SPOILED])
async def test_completion_fits_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, kind: str | None
) -> None:
    if kind:
        await sandbox.fault("openai", kind)
    ask = ASK | {"response_format": {"type": "json_object"}}
    async with http.post(
        f"{sandbox.environment['OPENAI_BASE_URL']}/chat/completions", json=ask, headers=KEY
    ) as response:
        body = await response.json()
        assert response.status == 200
    assert not complaints(of_openapi_response(recordings.load(SPEC), "/chat/completions", "post"), body)
    _, headers, recorded = recordings.exchange("openai/create-chat-completion.recorded.http.json")
    assert list(body) == list(recorded)
    assert set(body["choices"][0]["message"]) == set(recorded["choices"][0]["message"])
    assert {name.lower() for name in response.headers} <= set(headers) | {"content-length"}


async def test_models_fit_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    async with http.get(f"{sandbox.environment['OPENAI_BASE_URL']}/models", headers=KEY) as response:
        assert not complaints(of_openapi_response(recordings.load(SPEC), "/models"), await response.json())


@pytest.mark.parametrize("kind", REFUSALS)
async def test_error_is_shaped_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, kind: str
) -> None:
    status, headers, recorded = recordings.exchange(f"openai/errors/{RECORDED_ERRORS[kind]}.http.json")
    await sandbox.fault("openai", kind)
    async with http.post(
        f"{sandbox.environment['OPENAI_BASE_URL']}/chat/completions", json=ASK, headers=KEY
    ) as response:
        body = await response.json()
        assert response.status == status
        assert ("retry-after" in response.headers) == ("retry-after" in headers)
    assert set(body["error"]) == set(recorded["error"])
    assert body["error"]["code"] == recorded["error"]["code"]


async def test_the_official_client_reads_a_strict_structured_answer(sandbox: SandboxClient) -> None:
    async with _client(sandbox) as client:
        completion = await client.chat.completions.parse(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Name: tidewatch\nDescription: Tides with Rust and SQLite"}],
            response_format=Answer,
        )
    answer = completion.choices[0].message.parsed
    assert answer is not None
    assert answer.technologies == ["Rust", "SQLite"]
    assert answer.description.startswith("tidewatch: Tides with Rust and SQLite.")


async def test_the_official_client_sees_refusals_truncation_and_limits(sandbox: SandboxClient) -> None:
    async with _client(sandbox) as client:
        parse = client.chat.completions.parse
        messages: Any = ASK["messages"]
        await sandbox.fault("openai", "refusal", times=1)
        refused = await parse(model="gpt-4o-mini", messages=messages, response_format=Answer)
        assert refused.choices[0].message.refusal
        await sandbox.fault("openai", "truncated_json", times=1)
        with pytest.raises(LengthFinishReasonError):
            await parse(model="gpt-4o-mini", messages=messages, response_format=Answer)
        await sandbox.fault("openai", "rate_limit", times=1)
        with pytest.raises(RateLimitError):
            await parse(model="gpt-4o-mini", messages=messages, response_format=Answer)


async def test_strict_mode_refuses_an_open_schema_as_recorded(sandbox: SandboxClient, recordings: Recordings) -> None:
    _, _, recorded = recordings.exchange("openai/errors/400.invalid_schema.http.json")
    schema: Any = {"name": "item", "strict": True, "schema": {"type": "object", "properties": {}}}
    async with _client(sandbox) as client:
        with pytest.raises(BadRequestError) as refused:
            await client.chat.completions.create(
                model="gpt-4o-mini",
                messages=ASK["messages"],
                response_format={"type": "json_schema", "json_schema": schema},
            )
    assert refused.value.body == recorded["error"]
