"""`thrive agents` and `make create-youtube-agent`, without a gateway or with one that says what it is told to."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.agents import create, listed, malformed, request_of, shown
from cli.gateway import Gateway, OperatorSettings, RefusedError, as_operator
from cli.main import app

ROOT = Path(__file__).parents[3]
KEY = "a secret of the tests, with more than 32 bytes"
GIVEN = {
    "CHANNEL_URL": "https://www.youtube.com/@tides", "SOURCE_NAME": "Tide Tables", "AVATAR": "", "WEBSITE": "",
    "TWITTER": "", "INSTAGRAM": "", "LINKEDIN": "", "GITHUB": "",
}  # fmt: skip


def gateway(*answers: tuple[int, Any], seen: list[httpx2.Request] | None = None) -> Gateway:
    """It gives these answers in turn."""
    left = list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if seen is not None:
            seen.append(request)
        status, body = left.pop(0)
        return httpx2.Response(status, json=body)

    return Gateway("http://gateway.test/", "token", httpx2.MockTransport(answer))


def agent(status: str = "processing", progress: int = 0, message: str = "Reading the channel") -> dict[str, Any]:
    task = {"status": status, "progress": progress, "message": message, "refused": []}
    return {
        "username": "tide-tables", "display_name": "Tide Tables", "profile_url": "/api/v1/users/tide-tables/",
        "avatar_url": None, "links": [], "task": task,
    }  # fmt: skip


def test_every_missing_and_malformed_parameter_is_named() -> None:
    assert malformed(GIVEN) == []
    wrong = {**dict.fromkeys(GIVEN, ""), "AVATAR": "me.png", "WEBSITE": "http://a.test/", "GITHUB": "https://u@b.test"}
    problems = "\n".join(malformed(wrong))
    for name in ("CHANNEL_URL", "SOURCE_NAME", "AVATAR", "WEBSITE", "GITHUB"):
        assert name in problems
    for name in ("TWITTER", "INSTAGRAM", "LINKEDIN"):
        assert name not in problems


@pytest.mark.parametrize(
    "address", ["//a.test", "https://", "https://a b.test", "javascript:alert(1)", "https://[", "@me"]
)
def test_what_is_no_address_is_malformed(address: str) -> None:
    assert malformed(GIVEN | {"TWITTER": address}) == ["TWITTER is not an https:// address."]


def test_links_are_sent_with_their_titles() -> None:
    body = request_of(GIVEN | {"GITHUB": "https://github.com/tides", "AVATAR": "https://a.test/t.png"})
    assert body == {
        "channel_url": GIVEN["CHANNEL_URL"], "name": "Tide Tables", "avatar_url": "https://a.test/t.png",
        "links": [{"title": "GitHub", "url": "https://github.com/tides"}],
    }  # fmt: skip


def test_the_import_is_followed_to_its_end_and_the_address_printed() -> None:
    said: list[str] = []
    steps = [(201, {"created": True, "agent": agent()})]
    steps += [(200, agent()), (503, {"error": "Away."}), (200, agent(progress=40, message="20 of 50 imported"))]
    steps += [(200, agent("completed", 100, "50 of 50 imported"))]
    assert create(gateway(*steps), {}, said.append, lambda _: None)
    assert said == [
        "Created agent Tide Tables (tide-tables).",
        "  0 %  Reading the channel",
        " 40 %  20 of 50 imported",
        "100 %  50 of 50 imported",
        "http://gateway.test/api/v1/users/tide-tables/",
    ]


def test_a_channel_that_could_not_be_imported_is_no_success() -> None:
    said: list[str] = []
    answer = (201, {"created": True, "agent": agent("failed", 0, "YouTube has no such channel.")})
    assert not create(gateway(answer), {}, said.append, lambda _: None)
    assert "  0 %  YouTube has no such channel." in said


def test_an_agent_that_was_there_is_only_named() -> None:
    said: list[str] = []
    answer = (200, {"created": False, "agent": agent("completed", 100, "50 of 50 imported")})
    assert create(gateway(answer), {}, said.append, lambda _: None)
    assert said[0] == "The channel has this agent already: Tide Tables (tide-tables)."


def test_an_agent_that_was_there_gets_the_name_the_avatar_and_the_links_that_are_given() -> None:
    said: list[str] = []
    seen: list[httpx2.Request] = []
    there = agent("completed", 100, "50 of 50 imported")
    there["links"] = [{"title": "GitHub", "url": "https://github.com/old"}, {"title": "Shop", "url": "https://s.test"}]
    steps = [(200, {"created": False, "agent": there}), (200, there)]
    body = request_of(
        GIVEN | {"SOURCE_NAME": "Tides", "GITHUB": "https://github.com/tides", "WEBSITE": "https://w.test"}
    )
    assert create(gateway(*steps, seen=seen), body, said.append, lambda _: None)
    assert (seen[1].method, seen[1].url.path) == ("PATCH", "/api/v1/agents/tide-tables/")
    assert json.loads(seen[1].content) == {
        "display_name": "Tides",
        "links": [
            {"title": "GitHub", "url": "https://github.com/tides"},
            {"title": "Shop", "url": "https://s.test"},
            {"title": "Website", "url": "https://w.test"},
        ],
    }
    assert said[0] == "Changed name, links of the agent tide-tables."


def test_a_gateway_that_stays_away_is_not_waited_for_without_end() -> None:
    answers = [(201, {"created": True, "agent": agent()}), *[(503, {"error": "Away."})] * 100]
    with pytest.raises(RefusedError, match="Away"):
        create(gateway(*answers), {}, lambda _: None, lambda _: None)


def test_a_refusal_says_what_and_what_to_do() -> None:
    fields = [{"field": "name", "problem": "too long"}]
    answer = (422, {"error": "The request is not valid.", "fields": fields, "suggestion": "Compare it."})
    with pytest.raises(RefusedError, match=r"is not valid\.\nname: too long\nCompare it"):
        gateway(answer).call("POST", "/")


@pytest.mark.parametrize(
    ("field", "parameter"),
    [
        ("name", "SOURCE_NAME"),
        ("channel_url", "CHANNEL_URL"),
        ("avatar_url", "AVATAR"),
        ("links.0.url", "WEBSITE"),
        ("links.1.url", "GITHUB"),
        ("links.9.url", "links.9.url"),
        ("other", "other"),
    ],
)
def test_a_refused_field_goes_by_the_name_of_its_parameter(field: str, parameter: str) -> None:
    body = request_of(GIVEN | {"WEBSITE": "https://tides.test", "GITHUB": "https://github.com/tides"})
    answer = (422, {"error": "The request is not valid.", "fields": [{"field": field, "problem": "too long"}]})
    with pytest.raises(RefusedError, match=rf"not valid\.\n{re.escape(parameter)}: too long$"):
        create(gateway(answer), body, lambda _: None)


@pytest.mark.parametrize("error_code", ["INVALID_URL", "CONTENT_NOT_FOUND"])
def test_what_is_no_channel_is_told_of_its_parameter(error_code: str) -> None:
    answer = (400, {"error": "No channel.", "error_code": error_code, "suggestion": "Check it."})
    with pytest.raises(RefusedError, match=r"^CHANNEL_URL: No channel\.\nCheck it\.$"):
        create(gateway(answer), request_of(GIVEN), lambda _: None)


def test_any_other_refusal_is_told_as_it_is() -> None:
    answer = (403, {"error": "For operators.", "error_code": "FORBIDDEN", "suggestion": "Ask one."})
    with pytest.raises(RefusedError, match=r"^For operators\.\nAsk one\.$"):
        create(gateway(answer), request_of(GIVEN), lambda _: None)


SOURCE = {
    "url": "https://youtube.com/channel/UCabcdefghijklmnopqrstuv",
    "state": "ok",
    "sync_enabled": True,
    "last_synced_at": "2026-01-02T03:04:05Z",
}
NAMES = {
    "username": "a-rather-long-name-of-forty-characters-x",
    "display_name": "The [bold] and the [/beautiful]",
}


def test_a_pipe_gets_whole_fields_between_tabs() -> None:
    sources = (SOURCE, SOURCE | {"sync_enabled": False}, None)
    told = shown([{**NAMES, "source": source} for source in sources], None)
    start = f"{NAMES['username']}\t{NAMES['display_name']}\t"
    assert told.splitlines() == [
        f"{start}{SOURCE['url']}\tok\t{SOURCE['last_synced_at']}",
        f"{start}{SOURCE['url']}\tpaused\t{SOURCE['last_synced_at']}",
        f"{start}\t\t",
    ]


def test_a_narrow_terminal_loses_nothing_of_names_and_links() -> None:
    told = shown([{**NAMES, "source": SOURCE}], 80)
    assert NAMES["username"] in told
    columns = [[cell.strip() for cell in line.strip("│").split("│")] for line in told.splitlines() if "│" in line]
    assert "".join(column[2] for column in columns) == SOURCE["url"]
    assert "[bold]" in told


@pytest.mark.parametrize("answer", [(200, ["a list"]), (502, "no gateway")])
def test_an_answer_of_somebody_else_is_told_as_such(answer: tuple[int, Any]) -> None:
    with pytest.raises(RefusedError, match=str(answer[0])):
        gateway(answer).call("GET", "/")


def test_all_pages_of_agents_are_listed() -> None:
    seen: list[httpx2.Request] = []
    pages = [(200, {"agents": [agent()], "next_cursor": "c"}), (200, {"agents": [agent()], "next_cursor": None})]
    assert len(list(listed(gateway(*pages, seen=seen)))) == 2
    assert [request.url.params.get("cursor") for request in seen] == [None, "c"]


@pytest.mark.parametrize("kept", [True, False])
def test_it_speaks_as_an_operator_with_the_key_that_there_is(tmp_path: Path, kept: bool) -> None:
    (tmp_path / "jwt.key").write_text(KEY if kept else "another key, which is not the one that is asked for")
    settings = OperatorSettings(local_dir=tmp_path, jwt_key=SecretStr("" if kept else KEY))
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204)

    as_operator(settings, httpx2.MockTransport(answer)).call("DELETE", "/")
    token = jwt.decode(seen[0].headers["authorization"].removeprefix("Bearer "), OctKey.import_key(KEY))
    assert token.claims["roles"] == ["operator"]


def test_without_a_key_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JWT_KEY"):
        as_operator(OperatorSettings(local_dir=tmp_path, jwt_key=SecretStr("")))


def test_the_command_names_what_is_missing() -> None:
    result = CliRunner().invoke(app, ["agents", "create", "--website", "nowhere"], env=dict.fromkeys(GIVEN, ""))
    assert result.exit_code == 2
    for name in ("CHANNEL_URL is missing", "SOURCE_NAME is missing", "WEBSITE is not"):
        assert name in result.output


def test_a_gateway_that_is_away_is_named(tmp_path: Path) -> None:
    env = GIVEN | {"GATEWAY_URL": "http://127.0.0.1:1", "JWT_KEY": KEY}
    result = CliRunner().invoke(app, ["agents", "create"], env=env)
    assert result.exit_code == 1
    assert "Cannot reach the gateway at http://127.0.0.1:1 " in result.output


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_hands_its_parameters_on(tmp_path: Path) -> None:
    """With a stand-in for the virtual environment: what the target calls, and with what."""
    command = tmp_path / "bin" / "thrive"
    command.parent.mkdir()
    (tmp_path / ".ready").touch()
    command.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\nenv > {tmp_path}/env\n')
    command.chmod(0o755)
    given = {"CHANNEL_URL": "https://www.youtube.com/@tides", "SOURCE_NAME": 'Tide "Tables"; & $$HOME'}
    pairs = [f"{name}={value}" for name, value in given.items()]
    subprocess.run(["make", "-o", f"{tmp_path}/.ready", "create-youtube-agent", f"VENV={tmp_path}", *pairs],
                   cwd=ROOT, check=True)  # fmt: skip
    assert (tmp_path / "called").read_text() == "agents create\n"
    handed = dict(line.partition("=")[::2] for line in (tmp_path / "env").read_text().splitlines())
    assert handed["CHANNEL_URL"] == given["CHANNEL_URL"]
    assert handed["SOURCE_NAME"] == 'Tide "Tables"; & $HOME'


def test_it_finds_the_gateway_that_runs_on_this_machine(tmp_path: Path) -> None:
    settings = OperatorSettings(local_dir=tmp_path, gateway_url="", port=8_123)
    assert settings.address == "http://127.0.0.1:8123"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "operator.env").write_text("GATEWAY_URL='http://127.0.0.1:20001'\n")
    assert settings.address == "http://127.0.0.1:20001"
    (tmp_path / "operator.env").write_text("GATEWAY_URL='http://127.0.0.1:20002'\n")
    assert settings.address == "http://127.0.0.1:20002", "what `make run` runs comes first"
    assert settings.model_copy(update={"gateway_url": "https://imports.example"}).address == "https://imports.example"
