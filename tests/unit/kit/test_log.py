"""No credential leaves in a log line, whoever logged it."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from kit import log
from kit.log import REDACTED, redact

SECRETS = {
    "ghp_" + "a" * 36: "GitHub",
    "github_pat_" + "b" * 40: "GitHub, fine-grained",
    "glpat-abcdefghij0123456789": "GitLab",
    "sk-proj-" + "c" * 30: "OpenAI",
    "ya29.a0AfH6SNabc-def": "Google OAuth",
    "AIza" + "d" * 35: "Google API key",
    "1//0gLu8iQw-e_" + "e" * 30: "Google refresh",
    "GOCSPX-abc-def_123": "Google client",
    "gloas-" + "f" * 64: "GitLab client",
    "figu_" + "g" * 30: "Figma",
    "figur_" + "g" * 30: "Figma refresh",
    "hf_oauth_" + "h" * 30: "Hugging Face",
    "thrive_pat_" + "i" * 43: "ours",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtaXJhIn0.c2lnbmF0dXJl": "JWT",
}


@pytest.mark.parametrize("secret", SECRETS, ids=list(SECRETS.values()))
def test_what_looks_like_a_credential_is_replaced_wherever_it_stands(secret: str) -> None:
    event = redact(
        None, "info", {"event": f"got {secret} here", "detail": secret, "exception": f"Error: {secret}\n  at"}
    )
    assert secret not in json.dumps(event)
    assert event["event"] == f"got {REDACTED} here"


@pytest.mark.parametrize(
    "key",
    ["authorization", "Authorization", "access_token", "client_secret", "api_key", "api-key", "set-cookie", "PASSWORD"],
)
def test_a_field_that_is_called_like_a_secret_is_one_whatever_it_holds(key: str) -> None:
    assert redact(None, "info", {key: ["anything"]})[key] == REDACTED


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("GET /videos?id=1&key=abcdef&part=x", "abcdef"),
        ("access_token=abcdef;", "abcdef"),
        ("grant_type=refresh_token&refresh_token=abcdef&client_secret=hunter2", "abcdef"),
        ("grant_type=refresh_token&refresh_token=abcdef&client_secret=hunter2", "hunter2"),
        ("GET /api/v1/connections/github/callback/?code=c0de&state=st4te", "c0de"),
        ("GET /api/v1/connections/github/callback/?code=c0de&state=st4te", "st4te"),
        ("mongodb://user:hunter2@db.example/?w=1", "hunter2"),
    ],
)
def test_credentials_in_headers_queries_and_addresses_are_replaced(text: str, left: str) -> None:
    assert left not in redact(None, "info", {"event": text})["event"]


@pytest.mark.parametrize("text", ["deferred", "https://github.com/a/b?key", "skipped 3 records", "a task-id of 12"])
def test_ordinary_words_stay(text: str) -> None:
    assert redact(None, "info", {"event": text, "offset": 3}) == {"event": text, "offset": 3}


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What a configured process writes; logging is left as it was found."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log.configure("fetcher", "INFO")
    written = StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def last(lines: StringIO) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return parsed


def test_a_line_is_one_json_object_bound_to_its_import(lines: StringIO) -> None:
    with structlog.contextvars.bound_contextvars(import_id="i-1"):
        structlog.get_logger().info("fetched", topic="content.fetched")
    line = last(lines)
    assert line["timestamp"]
    assert line | {"timestamp": 0} == {
        "service": "fetcher",
        "event": "fetched",
        "level": "info",
        "topic": "content.fetched",
        "import_id": "i-1",
        "timestamp": 0,
    }


def test_a_librarys_lines_and_tracebacks_are_redacted_like_ours(lines: StringIO) -> None:
    secret = next(iter(SECRETS))
    try:
        raise RuntimeError(f"refused {secret}")
    except RuntimeError:
        logging.getLogger("some.library").exception("call with %s failed", secret)
    line = last(lines)
    assert line["service"] == "fetcher"
    assert secret not in lines.getvalue()
    assert "RuntimeError" in line["exception"]


def test_a_line_break_in_a_value_makes_no_second_line(lines: StringIO) -> None:
    structlog.get_logger().info("title", title='x\n{"event": "forged"}')
    assert len(lines.getvalue().splitlines()) == 1


def test_no_field_takes_the_place_of_the_process_that_logged(lines: StringIO) -> None:
    structlog.get_logger().info("upstream attempt failed", service="GitHub")
    assert last(lines)["service"] == "fetcher"
