"""The model's client against the sandbox: every answer becomes a clean analysis or AnalysisFailedError."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from deploy.local import free_port
from kit.errors import AnalysisFailedError
from sandbox.client import SandboxClient
from sandbox.running import running
from schemas.content import ProjectType
from services.analyzer.model import Model, Payer, limits
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.spend import Bill
from tests.unit.analyzer.items import item
from tests.unit.analyzer.raw import answer, saying


class Wallet:
    """Pays for everything, and keeps the bills."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.reserved = 0
        self.most: list[int] = []  # tokens of an answer, for each call

    @asynccontextmanager
    async def paying(self, user_id: str, *, input_tokens: int, output_tokens: int) -> AsyncIterator[Bill]:
        assert user_id
        self.reserved += input_tokens
        self.most.append(output_tokens)
        self.bills.append(Bill())
        yield self.bills[-1]


@asynccontextmanager
async def model_at(where: SandboxClient | str, wallet: Payer | None = None, **settings: Any) -> AsyncIterator[Model]:
    environment = {"OPENAI_BASE_URL": where, "OPENAI_API_KEY": "key"} if isinstance(where, str) else where.environment
    configured = AnalyzerSettings.model_validate(
        {
            "openai_base_url": environment["OPENAI_BASE_URL"],
            "openai_api_key": environment["OPENAI_API_KEY"],
            "openai_model": "gpt-4o-mini",
            **settings,
        }
    )
    async with AsyncExitStack() as resources:
        yield Model(configured, wallet or Wallet(), resources)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as client:
        yield client


async def test_an_answer_becomes_an_analysis_that_names_its_model(sandbox: SandboxClient) -> None:
    async with model_at(sandbox) as model:
        analysis = await model.analyse("ada", item(description="A command-line tool for lanterns"))
    assert analysis.source == "model"
    assert analysis.model == "gpt-4o-mini"
    assert analysis.description
    assert analysis.technologies[0] == "Rust"
    assert analysis.project_type is ProjectType.TOOL
    assert await sandbox.calls("openai", "/chat/completions") == 1


@pytest.mark.parametrize(
    "kind",
    [
        "refusal",
        "prose",
        "truncated_json",
        "empty",
        "filtered",
        "wrong_schema",
        "huge",
        "garbage",
        "bad_credentials",
        "insufficient_quota",
        "context_length",
    ],
)
async def test_what_is_no_answer_is_one_named_error(sandbox: SandboxClient, kind: str) -> None:
    await sandbox.fault("openai", kind)
    async with model_at(sandbox) as model:
        with pytest.raises(AnalysisFailedError) as caught:
            await model.analyse("ada", item())
    assert "sandbox-key" not in str(caught.value.body())


@pytest.mark.parametrize("kind", ["reset", "truncated", "server_error"])
async def test_a_connection_that_fails_for_good_is_given_up(sandbox: SandboxClient, kind: str) -> None:
    await sandbox.fault("openai", kind)
    async with model_at(sandbox) as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())


@pytest.mark.parametrize("kind", ["timeout", "reset", "truncated"])
async def test_what_may_have_been_charged_is_not_asked_for_again(sandbox: SandboxClient, kind: str) -> None:
    rule = await sandbox.fault("openai", kind)
    async with model_at(sandbox, openai_timeout=1) as model:
        with pytest.raises(AnalysisFailedError, match="Unanswered"):
            await model.analyse("ada", item())
    assert await sandbox.hits(rule) == 1


async def test_a_model_that_nobody_reaches_is_given_up() -> None:
    async with model_at(f"http://127.0.0.1:{free_port()}/v1") as model:
        with pytest.raises(AnalysisFailedError, match="APIConnection"):
            await model.analyse("ada", item())


def test_a_model_may_be_silent_for_as_long_as_it_may_take() -> None:
    allowed = limits(AnalyzerSettings.model_validate({"openai_timeout": 120}))
    assert (allowed.read, allowed.total) == (120, 120)


async def test_a_rate_limit_that_passes_is_waited_for(sandbox: SandboxClient) -> None:
    rule = await sandbox.fault("openai", "rate_limit", retry_after=0.01, times=1)
    async with model_at(sandbox) as model:
        assert (await model.analyse("ada", item())).source == "model"
    assert await sandbox.hits(rule) == 1


async def test_a_rate_limit_that_stays_is_an_error_after_two_calls(sandbox: SandboxClient) -> None:
    rule = await sandbox.fault("openai", "rate_limit", retry_after=0.01)
    async with model_at(sandbox) as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())
    assert await sandbox.hits(rule) == 2


SERVERS: dict[
    str, tuple[int, dict[str, Any]]
] = {  # calls of the first import, of which all but the last are refused or cut; what is remembered
    "gpt-5-mini": (3, {"limit": "max_completion_tokens", "temperature": False, "shape": "json_schema"}),
    "azure/gpt-4o": (2, {"shape": "json_object"}),
    "ollama/qwen3": (1, {"shape": "json_schema"}),
    "vllm/gemma": (3, {"system": False, "shape": "json_schema"}),
    "lmstudio/phi": (1, {"shape": "json_schema"}),
    "openrouter/any": (3, {"shape": "tools"}),
    "mute/llama": (2, {"shape": "json_object"}),
    "late/llama": (2, {"shape": "json_object"}),
    "thinker/r1": (2, {"shape": "json_schema"}),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_what_a_server_refuses_is_left_out_and_later_imports_do_not_repeat_it(
    sandbox: SandboxClient, name: str
) -> None:
    calls, takes = SERVERS[name]
    with capture_logs() as logs:
        async with model_at(sandbox, openai_model=name) as model:
            first = await model.analyse("ada", item(description="A command-line tool for lanterns"))
            assert await sandbox.calls("openai", "/chat/completions") == calls
            again = await model.analyse("ada", item(description="A web framework"))
            assert await sandbox.calls("openai", "/chat/completions") == calls + 1
    assert (first.source, first.model, first.project_type) == ("model", name, ProjectType.TOOL)
    assert first.description.startswith("lanterns: A command-line tool for lanterns.")
    assert again.project_type is ProjectType.FRAMEWORK
    learned = [line for line in logs if line["event"] == "the model's server takes other parameters"]
    assert len(learned) <= calls - 1
    assert {key: value for key, value in (learned[-1] if learned else takes).items() if key in takes} == takes


async def test_a_server_that_knows_no_way_to_shape_an_answer_is_learned_over_two_imports(
    sandbox: SandboxClient,
) -> None:
    async with model_at(sandbox, openai_model="fastapi/llama") as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())
        assert await sandbox.calls("openai", "/chat/completions") == 3, "one call and two more, and no others"
        assert (await model.analyse("ada", item())).source == "model"
        assert await sandbox.calls("openai", "/chat/completions") == 4


async def test_calls_at_the_same_time_learn_together(sandbox: SandboxClient) -> None:
    async with model_at(sandbox, openai_model="gpt-5-mini") as model:
        found = await asyncio.gather(*(model.analyse("ada", item(text=str(n))) for n in range(10)))
        assert {one.source for one in found} == {"model"}
        await model.analyse("ada", item(text="later"))
    assert await sandbox.calls("openai", "/chat/completions") <= 10 * 3 + 1


async def test_a_refusal_of_one_content_changes_nothing_for_others(sandbox: SandboxClient) -> None:
    """Not even one that does not say what it is about."""
    said = b'{"error": {"message": "no", "type": "invalid_request_error"}}'
    refused = answer(said, "Connection: close", status="400 Bad Request")
    async with saying(refused) as (url, heads), model_at(url) as model:
        for calls in (3, 6):
            with pytest.raises(AnalysisFailedError):
                await model.analyse("ada", item())
            assert len(heads) == calls, "the guesses begin anew"
    await sandbox.fault("openai", "context_length", times=1)
    async with model_at(sandbox) as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())
        assert await sandbox.calls("openai", "/chat/completions") == 1
        await model.analyse("ada", item())
    assert "json_schema" in (await sandbox.recent("openai"))[-1]["text"]


async def test_each_call_is_reserved_for_by_itself_and_for_as_much_as_it_may_say(sandbox: SandboxClient) -> None:
    wallet = Wallet()
    async with model_at(sandbox, wallet, openai_model="thinker/r1") as model:
        await model.analyse("ada", item())
        await model.analyse("ada", item(text="other"))
    assert wallet.most == [500, 4_000, 4_000]
    assert all(bill.usage for bill in wallet.bills)


async def test_a_call_that_was_refused_is_not_paid_for(sandbox: SandboxClient) -> None:
    wallet = Wallet()
    async with model_at(sandbox, wallet, openai_model="gpt-5-mini") as model:
        await model.analyse("ada", item())
    assert [bool(bill.usage) for bill in wallet.bills] == [False, False, True]


async def test_a_server_that_refuses_everything_is_given_up_after_two_more_calls() -> None:
    for body in (
        b'{"error": "\'response_format.type\' is unknown"}',
        b"[]",
        b"no",
        b'{"error": {"param": ["temperature"]}}',
    ):
        refused = answer(body, "Connection: close", status="400 Bad Request")
        async with saying(refused) as (url, heads), model_at(url) as model:
            with pytest.raises(AnalysisFailedError, match="BadRequest"):
                await model.analyse("ada", item())
        assert 2 <= len(heads) <= 3


async def test_a_video_that_only_has_a_title_gets_no_description_of_it(sandbox: SandboxClient) -> None:
    video = item(kind="video", description_by="author", description="", text=" ")
    async with model_at(sandbox) as model:
        analysis = await model.analyse("ada", video)
    assert (analysis.source, analysis.description) == ("model", "")
    assert analysis.technologies


async def test_markup_and_links_in_an_answer_never_reach_a_page(sandbox: SandboxClient) -> None:
    await sandbox.fault("openai", "markup")
    async with model_at(sandbox) as model:
        analysis = await model.analyse("ada", item())
    shown = " ".join((analysis.description, *analysis.technologies))
    for hostile in ("<", ">", "http", "javascript:", "evil.example", "]("):
        assert hostile not in shown


async def test_identifiers_and_emoji_in_an_answer_stay_whole() -> None:
    said = {
        "description": "Wires load_json to the __call__ hook of a page_index, for the 👩‍🚒 and the 👨‍👩‍👦 nearby.",
        "technologies": ["keel_core", "G*", "F#", "Map<K, V>"],
        "project_type": "library",
    }
    completion = {"choices": [{"message": {"content": json.dumps(said)}}]}
    async with saying(answer(json.dumps(completion).encode())) as (url, _), model_at(url) as model:
        analysis = await model.analyse("ada", item())
    assert (analysis.description, [*analysis.technologies]) == (said["description"], said["technologies"])


async def test_only_bounded_facts_are_sent(sandbox: SandboxClient) -> None:
    async with model_at(sandbox) as model:
        await model.analyse("ada", item(text="y" * 50_000, metadata={"note": "private-note"}))
    (call,) = await sandbox.recent("openai")
    assert "y" * 1_000 in call["text"]
    assert "y" * 1_001 not in call["text"]
    assert "private-note" not in call["text"]


async def test_a_call_is_paid_for_as_the_model_counts_it_and_costs_no_more_than_was_reserved(
    sandbox: SandboxClient,
) -> None:
    wallet = Wallet()
    async with model_at(sandbox, wallet) as model:
        await model.analyse("ada", item(text="灯笼" * 2_000))
    (bill,) = wallet.bills
    assert bill.usage
    assert 0 < bill.usage.prompt_tokens <= wallet.reserved


async def test_a_compressed_answer_is_read() -> None:
    said = b'{"description": "Lights lanterns.", "technologies": ["Rust"], "project_type": "tool"}'
    completion = b'{"choices": [{"message": {"content": %b}}]}' % json.dumps(said.decode()).encode()
    async with saying(answer(gzip.compress(completion), "Content-Encoding: gzip")) as (url, _), model_at(url) as model:
        assert (await model.analyse("ada", item())).technologies == ("Rust",)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(b"[" * 200_000), id="nested lists"),
        pytest.param(answer(b'{"choices":' * 50_000), id="nested objects"),
        pytest.param(answer(b'{"choices":' + b"[" * 900 + b"]" * 900 + b"}"), id="nested within what a parser takes"),
        pytest.param(answer(b'{"choices":[{"message":{"content":"%b"}}]}' % (b"[" * 100_000)), id="nested content"),
        pytest.param(answer(b'{"choices":' + b"9" * 10_000 + b"}"), id="a number of 10,000 digits"),
        pytest.param(answer(b'{"choices":[{"message":{"content":"\\ud800"}}]}'), id="half a character"),
        pytest.param(answer(b'\xff\xfe{"choices"'), id="not UTF-8"),
        pytest.param(answer(b""), id="nothing"),
        pytest.param(answer(b"null"), id="null"),
        pytest.param(answer(b"{}"), id="no choices"),
        pytest.param(answer(b'{"choices":"abc"}'), id="choices of another type"),
        pytest.param(answer(b'{"choices":[{"message":{"content":["a"]}}]}'), id="content of another type"),
        pytest.param(answer(b"hello", "Content-Encoding: gzip"), id="not gzip"),
        pytest.param(answer(b"hello", "Content-Encoding: br"), id="an encoding nobody asked for"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", id="a large header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", id="many headers"),
    ],
)
async def test_an_answer_that_nobody_can_decode_is_the_same_error(said: bytes) -> None:
    async with saying(said) as (url, _), model_at(url) as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(answer(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"), id="decoded"),
        pytest.param(answer(b" " * 1_100_000), id="wire"),
        pytest.param(answer(b" " * 1_100_000, status="400 Bad Request"), id="error"),
    ],
)
async def test_an_answer_of_more_than_a_megabyte_is_given_up_and_not_asked_for_again(bomb: bytes) -> None:
    async with saying(bomb) as (url, heads), model_at(url) as model:
        with pytest.raises(AnalysisFailedError, match="BodyTooLarge"):
            await model.analyse("ada", item())
    assert len(heads) == 1


async def test_an_answer_without_an_end_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with saying(head, then=b"100\r\n" + b" " * 256 + b"\r\n") as (url, heads), model_at(url) as model:
        with pytest.raises(AnalysisFailedError, match="BodyTooLarge"):
            await model.analyse("ada", item())
    assert len(heads) == 1


async def test_an_answer_that_trickles_is_given_up_when_its_time_is_over() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with saying(head, then=b"1\r\n \r\n") as (url, _), model_at(url, openai_timeout=0.1) as model:
        with pytest.raises(AnalysisFailedError, match="Unanswered"):
            await model.analyse("ada", item())


async def test_a_redirect_of_the_model_is_not_followed() -> None:
    async with saying(answer(b"{}")) as (elsewhere, strangers):
        moved = answer(b"", f"Location: {elsewhere}/chat/completions", status="307 Temporary Redirect")
        async with saying(moved) as (url, heads), model_at(url) as model:
            with pytest.raises(AnalysisFailedError):
                await model.analyse("ada", item())
    assert (len(heads), len(strangers)) == (1, 0)
