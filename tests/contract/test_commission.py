"""The commission: what the host application's people wrote, against the code; and docs/commission.md against both."""

import ast
import importlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.main import app as commands
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.provider import Purpose
from integrations.registry import IntegrationRegistry, IntegrationSettings, build_registry
from kit import errors
from records.sources.record import Frequency, Identity, new_source
from schemas.content import Analysis, CoverBlock, Frozen, Project, TextBlock, VideoBlock
from schemas.events import Options
from services.awarder.handler import REASON
from services.awarder.settings import AwarderSettings
from services.gateway.settings import LimitSettings
from services.gateway.sources.responses import SourceBody
from services.transformer.handler import draft
from tests.unit.gateway.support import FakeBroker, absent_database, gateway_app, settings
from tests.unit.integrations.answers import NOW, World, reply, repository, video

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/commission.md").read_text()

# Of each body the fields, with their defaults; `...` has none.
REQUESTS: dict[str, dict[str, Any]] = {
    "/api/v1/github/import/": {"url": ..., "is_showcase": True, "is_private": False},
    "/api/v1/integrations/youtube/import/": {"video_url": ..., "is_showcase": True},
    "/api/v1/integrations/youtube/import-channel/": {"channel_id": ..., "max_videos": 50},
    "/api/v1/integrations/import/": {"url": ..., "is_showcase": True},
}
ACCEPTED = {"success", "task_id", "status_url"}
STATUS = "/api/v1/integrations/tasks/{task_id}/"
TASKS = {
    "PendingTask": {"status"},
    "ProcessingTask": {"status", "progress", "message"},
    "CompletedTask": {"status", "result"},
    "TaskResult": {"status", "project_id", "project_slug", "url"},
    "FailedTask": {"status", "error"},
}
ERROR = {"success", "error", "error_code", "action", "suggestion"}
CODES = {
    "IntegrationAuthError": "AUTH_ERROR",
    "RateLimitError": "RATE_LIMIT",
    "ContentNotFoundError": "CONTENT_NOT_FOUND",
    "InvalidURLError": "INVALID_URL",
    "ImportDuplicateError": "DUPLICATE_IMPORT",
}
LIMITS = {"limit_repositories": 10, "limit_videos": 20, "limit_channels": 5}
PROJECT = {
    "type", "title", "description", "external_url", "is_showcase", "is_private", "banner_url", "featured_image_url",
    "content", "metadata",
}  # fmt: skip
BLOCKS: dict[type[Frozen], set[str]] = {
    CoverBlock: {"type", "title", "banner_url"},
    VideoBlock: {"type", "provider", "video_id"},
}
TEXT = {"type", "content"}
VIDEO_FACTS = {"youtube_video_id", "view_count", "like_count", "published_at"}
SOURCE = {
    "platform", "source_identifier", "display_name", "sync_enabled", "sync_frequency", "last_synced_at", "metadata",
    "created_at", "updated_at",
}  # fmt: skip
REPOSITORY_FACTS = {"repo_full_name", "is_fork", "is_archived", "total_commits", "last_commit_date"}
CHANNEL_FACTS = {"channel_id", "channel_name", "total_videos_imported", "subscriber_count"}
AGENT = {"CHANNEL_URL", "SOURCE_NAME", "AVATAR", "WEBSITE", "TWITTER", "INSTAGRAM", "LINKEDIN", "GITHUB"}


# The code


@cache
def openapi() -> dict[str, Any]:
    return gateway_app(settings(), absent_database(), FakeBroker().publish).openapi()


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi()["components"]["schemas"][name]
    return found


def fields(described: dict[str, Any]) -> set[str]:
    """Those that every alternative has."""
    if "$ref" in described:
        return fields(schema(described["$ref"].rpartition("/")[2]))
    if alternatives := described.get("anyOf", described.get("oneOf")):
        return set.intersection(*(fields(one) for one in alternatives))
    return set(described["properties"])


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_has_the_commissions_fields_and_defaults(path: str) -> None:
    operation = openapi()["paths"][path]["post"]
    body = schema(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
    for name, default in REQUESTS[path].items():
        assert name in body["properties"], name
        if default is not ...:
            assert body["properties"][name]["default"] == default, name


@pytest.mark.parametrize("path", REQUESTS)
def test_an_import_is_answered_with_the_commissions_statuses_and_fields(path: str) -> None:
    answers = openapi()["paths"][path]["post"]["responses"]
    assert fields(answers["202"]["content"]["application/json"]["schema"]) >= ACCEPTED
    if "channel" not in path:
        assert fields(answers["200"]["content"]["application/json"]["schema"]) == {"success", "project"}
    for status in ("400", "409", "424", "429"):
        assert fields(answers[status]["content"]["application/json"]["schema"]) >= ERROR, status


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_commissions_fields(name: str) -> None:
    assert "get" in openapi()["paths"][STATUS]
    described = schema(name)
    assert set(described["properties"]) >= TASKS[name]
    status = {"TaskResult": "completed"}.get(name, name.removesuffix("Task").lower())
    assert described["properties"]["status"]["const"] == status


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_an_error_keeps_its_name_and_has_its_code(name: str, code: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.ImportProblem)
    assert kind.error_code == code
    assert errors.ImportProblem("It failed.").body().keys() == ERROR


def test_a_channels_duplicate_has_its_source_and_projects() -> None:
    answer = openapi()["paths"]["/api/v1/integrations/youtube/import-channel/"]["post"]["responses"]["409"]
    example = answer["content"]["application/json"]["example"]
    assert example["error_code"] == "DUPLICATE_IMPORT"
    assert example["source"].keys() >= SOURCE
    assert example["projects"]


async def test_without_youtube_the_member_is_asked_to_connect_it() -> None:
    world = World({}, settings={"youtube_api_key": None})
    with pytest.raises(errors.IntegrationAuthError) as caught:
        await world.fetch("https://youtu.be/dQw4w9WgXcQ")
    assert (caught.value.error_code, caught.value.action) == ("AUTH_ERROR", "connect_youtube")


@pytest.mark.parametrize(("name", "most"), LIMITS.items())
def test_the_limits_are_the_commissions(name: str, most: int) -> None:
    assert LimitSettings.model_fields[name].default == most


def test_a_project_and_its_blocks_have_the_commissions_fields() -> None:
    assert set(Project.model_fields) >= PROJECT
    for block, names in BLOCKS.items():
        assert set(block.model_fields) == names
    assert set(TextBlock.model_fields) >= TEXT
    assert (Options().is_showcase, Options().is_private) == (True, False)


async def test_a_repository_becomes_the_commissions_project() -> None:
    path = "/repos/octocat/hello-world"
    readme = {"path": "README.md", "encoding": "base64", "content": b64encode(b"# Hello\n\nIt greets.\n").decode()}
    repo = repository(html_url="https://github.com/Octocat/Hello-World")
    world = World({path: reply(body=repo), f"{path}/readme": reply(body=readme), f"{path}/languages": reply(body={})})
    link = "https://github.com/octocat/Hello-World"
    item = await world.fetch(link)
    analysis = Analysis(description="It greets, and says goodbye.", source="model")
    made = draft(item, analysis, Options()).model_dump(mode="json")
    assert (made["type"], made["title"]) == ("github_repo", "Hello-World")
    assert (made["description"], made["external_url"]) == (analysis.description, repo["html_url"])
    assert (made["is_showcase"], made["is_private"]) == (True, False)
    cover, text = made["content"]["blocks"]
    assert cover == {"type": "cover", "title": "Hello-World", "banner_url": made["banner_url"]}
    assert made["banner_url"].startswith("https://opengraph.githubassets.com/")
    assert (text["type"], text["content"].strip()) == ("text", "# Hello\n\nIt greets.")


async def test_a_video_becomes_the_commissions_project() -> None:
    described = "All about tides. " * 60
    body = video()
    picture = "https://i.example/maxres.jpg"
    body["items"][0]["snippet"] |= {"description": described, "thumbnails": {"maxres": {"url": picture}}}
    world = World({"/youtube/v3/videos": reply(body=body)}, now=NOW)
    item = await world.fetch("https://youtu.be/dQw4w9WgXcQ")
    made = draft(item, Analysis(description="x", source="extractive"), Options()).model_dump(mode="json")
    assert (made["type"], made["title"]) == ("video", body["items"][0]["snippet"]["title"])
    assert made["description"] == described[:500].strip()
    assert made["external_url"] == "https://youtube.com/watch?v=dQw4w9WgXcQ"
    assert made["featured_image_url"] == picture
    cover, player, text = made["content"]["blocks"]
    assert cover == {"type": "cover", "title": made["title"], "banner_url": picture}
    assert player == {"type": "video", "provider": "youtube", "video_id": "dQw4w9WgXcQ"}
    assert text["content"].startswith("## Description\n\nAll about tides. ")
    assert made["metadata"].keys() >= VIDEO_FACTS
    assert isinstance(made["metadata"]["view_count"], int)


def test_a_source_has_the_commissions_fields() -> None:
    assert set(schema("SourceResponse")["properties"]) >= SOURCE
    assert {*Frequency} == {"manual", "daily", "weekly"}
    assert SourceBody.model_fields["sync_frequency"].default == "weekly"
    made = new_source(
        Identity("ada", "github", "https://github.com/a/b"), display_name="a/b", frequency=Frequency.WEEKLY,
        options=Options(), now=NOW,
    )  # fmt: skip
    assert (made["sync_enabled"], made["last_synced_at"]) == (True, None)


def test_a_project_earns_the_commissions_points() -> None:
    assert (AwarderSettings.model_fields["points_per_project"].default, REASON) == (50, "project_create")


def test_the_registry_speaks_as_the_commissions_does() -> None:
    registry = build_registry(IntegrationSettings.model_validate({}))
    assert type(registry) is IntegrationRegistry
    with pytest.raises(ValueError, match=r"\S"):
        registry.recognise("https://elsewhere.example/a/b")
    assert registry.recognise("https://github.com/alice/repo").integration.supports_auto_sync
    assert [each.name for each in registry.list_all()] == ["github", "youtube"]
    assert registry.recognise("https://youtu.be/dQw4w9WgXcQ").integration.name == "youtube"


def test_the_scopes_are_the_commissions() -> None:
    given = {f"{name}_client_{part}": "x" for name in ("github", "google") for part in ("id", "secret")}
    providers = build_providers(ConnectionSettings.model_validate(given))
    assert {*providers["github"].scopes[Purpose.CONNECT]} == {"user", "user:email"}
    assert {*providers["github"].scopes[Purpose.PRIVATE]} == {"user", "user:email", "repo"}
    assert "https://www.googleapis.com/auth/youtube.readonly" in providers["youtube"].scopes[Purpose.CONNECT]


def test_the_command_takes_the_commissions_parameters() -> None:
    create = typer.main.get_command(commands).commands["agents"].commands["create"]  # type: ignore[attr-defined]
    assert {parameter.envvar for parameter in create.params if parameter.envvar} == AGENT
    assert re.search(r"^create-youtube-agent:", (ROOT / "Makefile").read_text(), re.M)


# The document


def rows() -> list[list[str]]:
    """Of all tables but the last, which has reasons: what was asked for, where it is, what holds it."""
    tables = DOCUMENT.partition("\n## Where we differ")[0]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables.splitlines() if line[:1] == "|"]
    return [row for row in found if row[0] != "commission" and not row[0].startswith("---")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_leads_to_code_and_to_a_test_that_exist(row: list[str]) -> None:
    _, code, test = row
    assert quoted(code) and quoted(test), "a row without code, or without a test"
    for reference in quoted(code):
        assert exists(reference), reference
    for reference in quoted(test):
        path, _, name = reference.partition("::")
        names = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")}
        assert name.startswith("test_"), reference
        assert name in names, reference


def test_a_reference_in_the_text_exists_too() -> None:
    for reference in quoted(DOCUMENT):
        path, _, name = reference.partition("::")
        if name:
            assert f"def {name}(" in (ROOT / path).read_text(), reference


def test_every_word_of_the_commission_is_in_the_document() -> None:
    words = {word for text in quoted(DOCUMENT) for word in text.split()}
    paths = {*REQUESTS, STATUS}
    facts = VIDEO_FACTS | REPOSITORY_FACTS | CHANNEL_FACTS
    named = set().union(*REQUESTS.values(), ACCEPTED, *TASKS.values(), ERROR, PROJECT, *BLOCKS.values(), TEXT, SOURCE)
    assert paths | facts | named | CODES.keys() | AGENT <= words
    for most, what in zip(LIMITS.values(), ("repositories", "videos", "channels"), strict=True):
        assert f"{most} {what} an hour" in DOCUMENT


def test_every_route_of_the_commission_is_a_row() -> None:
    endpoints = {word for row in rows() for word in quoted(row[0]) if re.match(r"(GET|POST) /", word)}
    assert endpoints == {*(f"POST {path}" for path in REQUESTS), f"GET {STATUS}"}


def exists(reference: str) -> bool:
    """`path:name`, or `path:Class.member`, a field of a model included."""
    path, _, dotted = reference.partition(":")
    if not path.endswith(".py"):
        return re.search(rf"^{re.escape(dotted)}:", (ROOT / path).read_text(), re.M) is not None
    found: Any = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for name in dotted.split("."):
        annotated = {**getattr(found, "model_fields", {}), **getattr(found, "__annotations__", {})}
        if not hasattr(found, name) and name not in annotated:
            return False
        found = getattr(found, name, None)
    return True
