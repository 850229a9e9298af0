"""What the gateway answers before, beside and without its database."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from kit.errors import ImportProblem, InternalError
from services.gateway.auth.caller import Caller
from services.gateway.auth.dependencies import caller
from services.gateway.members.usernames import RESERVED
from tests.unit.gateway.support import bearer, client_of

IMPORT = "/api/v1/integrations/import/"
JSON = {"Content-Type": "application/json"}
OF_STAGES = ("kit.errors", "kit.http.", "integrations.")
BODY = {"success", "error", "error_code", "action", "suggestion"}


def signed_in(app: FastAPI) -> FastAPI:
    """Everybody is Ada, without a look at the database."""

    async def ada() -> Caller:
        return Caller("user-ada", "ada")

    app.dependency_overrides[caller] = ada
    return app


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(signed_in(app)) as client:
        yield client


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


PUBLIC = {
    "/api/v1/projects/{project_id}/",
    "/api/v1/{username}/projects/",
    "/api/v1/users/{username}/",
    "/api/v1/agents/",
    "/api/v1/explore/",
}


async def test_every_route_but_public_pages_the_probes_and_the_way_in_needs_a_token(app: FastAPI) -> None:
    async with client_of(app) as client:
        for method, path, operation in operations(app.openapi()):
            public = path in PUBLIC and method == "get"
            way_in = path.startswith("/auth/") or path.endswith("/callback/")
            assert (public or way_in) == ({} in operation.get("security", [])), (method, path)
            if public:
                continue  # read in tests/e2e/members/test_public.py
            answer = await client.request(method, path.replace("{", "").replace("}", ""), json={})
            if path.endswith("/callback/"):  # who comes back from a provider brings a state instead
                assert answer.json()["error_code"] in ("NOT_FOUND", "OAUTH_STATE_INVALID"), path
            elif path in ("/livez", "/readyz", "/metrics") or path.startswith("/auth/"):
                assert answer.status_code != 401
            else:
                assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED"), path
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json().keys() >= BODY


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/integrations/tasks/1/", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/projects/1/", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/points", {}, 404, "NOT_FOUND"),
        ("GET", "/livez/", {}, 404, "NOT_FOUND"),
        ("DELETE", "/api/v1/points/", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", IMPORT, {"content": b"{", "headers": JSON}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"content": b"\xff\xfe", "headers": JSON}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"content": b'"\xff"', "headers": JSON}, 400, "BAD_REQUEST"),
        ("POST", IMPORT, {"content": b"[" * 10_000, "headers": JSON}, 400, "BAD_REQUEST"),
        ("POST", IMPORT, {"content": b"9" * 10_000, "headers": JSON}, 400, "BAD_REQUEST"),
        ("POST", IMPORT, {"content": b'{"url": "https://github.com/a/b"}'}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", IMPORT, {"data": {"url": "https://github.com/a/b"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", IMPORT, {"files": {"url": b"https://github.com/a/b"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", IMPORT, {"json": []}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"json": {}}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"json": {"url": 7}}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"json": {"url": "x" * 3_000}}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"json": {"url": "https://github.com/a/b", "is_private": "false"}}, 422, "INVALID_REQUEST"),
        ("POST", IMPORT, {"json": {"url": "https://elsewhere.test/"}}, 400, "INVALID_URL"),
        ("POST", IMPORT, {"json": {"url": "javascript:alert(1)"}}, 400, "INVALID_URL"),
        ("POST", IMPORT, {"content": b"x" * 20_000}, 413, "BODY_TOO_LARGE"),
        ("GET", "/api/v1/points/?limit=0", {}, 422, "INVALID_REQUEST"),
        ("GET", "/api/v1/integrations/sources/?cursor=%00", {}, 422, "INVALID_REQUEST"),
        ("GET", "/api/v1/points/?cursor=%00", {}, 422, "INVALID_REQUEST"),
    ],
)
async def test_every_error_has_the_typed_body(
    ada: httpx2.AsyncClient, method: str, path: str, sent: dict[str, Any], status: int, code: str
) -> None:
    answer = await ada.request(method, path, **sent)
    body = answer.json()
    assert (answer.status_code, body["error_code"], body["success"]) == (status, code, False)
    assert body.keys() >= BODY
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_missing_slash_is_told_and_sends_nobody_to_the_host_that_they_named(ada: httpx2.AsyncClient) -> None:
    answer = await ada.get("/api/v1/points", headers={"Host": "evil.test"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert "slash" in answer.json()["suggestion"]


async def test_a_body_without_a_length_is_bounded_too(ada: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000

    answer = await ada.post(IMPORT, content=endless())
    assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")


async def test_problem_json_is_the_same_error_in_its_own_form(ada: httpx2.AsyncClient) -> None:
    asked = {"Accept": "application/problem+json"}
    answer = await ada.post(IMPORT, json={"url": "https://elsewhere.test/"}, headers=asked)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"], problem["title"]) == ("/errors/INVALID_URL", 400, problem["error"])
    assert problem["detail"] == problem["suggestion"]
    assert problem.keys() >= BODY


async def test_without_its_database_nothing_is_accepted(ada: httpx2.AsyncClient) -> None:
    answers = [
        await ada.post(IMPORT, json={"url": "https://github.com/a/b"}),
        await ada.get("/api/v1/points/"),
        await ada.get("/api/v1/integrations/tasks/5d0b9a3e-8f0e-4a57-9a53-0d6f2f4c9f11/events/"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
    assert (await ada.get("/readyz")).status_code == 503
    assert (await ada.get("/livez")).status_code == 200


async def test_a_bug_is_told_in_general_words_with_an_incident_to_quote(app: FastAPI) -> None:
    @app.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("the secret of the house")

    async with client_of(signed_in(app)) as client:
        answer = await client.get("/bug")
        metrics = (await client.get("/metrics")).text
    assert (answer.status_code, answer.json()["error_code"]) == (500, InternalError.error_code)
    assert answer.json()["incident"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert 'thrive_gateway_requests_total{method="GET",route="/bug",status="500"} 1.0' in metrics


async def test_metrics_know_routes_and_no_ids_links_or_users(ada: httpx2.AsyncClient) -> None:
    await ada.get("/api/v1/projects/5d0b9a3e-8f0e-4a57-9a53-0d6f2f4c9f11/")
    await ada.get("/somewhere-made-up")
    await ada.request("MADEUP", "/livez")
    metrics = (await ada.get("/metrics")).text
    assert 'route="/api/v1/projects/{project_id}/"' in metrics
    assert 'method="other"' in metrics
    assert not any(word in metrics for word in ("5d0b9a3e", "made-up", "MADEUP", "user-ada"))


async def test_a_body_that_does_not_say_that_it_is_json_is_told_how_to(ada: httpx2.AsyncClient) -> None:
    told = (await ada.post(IMPORT, data={"url": "https://github.com/a/b"})).json()
    assert "Content-Type: application/json" in told["suggestion"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/me/", {"GET", "HEAD", "PATCH"}),
        (IMPORT, {"POST"}),
        ("/api/v1/integrations/sources/", {"GET", "HEAD", "POST"}),
        ("/api/v1/integrations/sources/5d0b9a3e-8f0e-4a57-9a53-0d6f2f4c9f11/", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/api/v1/agents/somebody/", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/api/v1/agents/projects/", {"GET", "HEAD", "PATCH", "DELETE"}),  # two routes
        ("/api/v1/integrations/tasks/5d0b9a3e-8f0e-4a57-9a53-0d6f2f4c9f11/events/", {"GET"}),
        ("/auth/github/callback/", {"GET"}),
        ("/webhooks/github/", {"POST"}),
        ("/livez", {"GET", "HEAD"}),
        ("/openapi.json", {"GET", "HEAD"}),
    ],
)
async def test_allow_names_all_methods_of_an_address(app: FastAPI, path: str, methods: set[str]) -> None:
    async with client_of(app) as client:
        for method in ("TRACE", "PUT", "MADEUP"):
            refused = await client.request(method, path)
            assert (refused.status_code, refused.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")
            assert set(refused.headers["allow"].split(", ")) == methods | {"OPTIONS"}
        asked = await client.options(path)
        assert (asked.status_code, asked.headers["allow"]) == (204, refused.headers["allow"])
        if "HEAD" not in methods:
            assert (await client.head(path)).status_code == 405
    assert (await client_options(app, "/nowhere")) == 404


async def client_options(app: FastAPI, path: str) -> int:
    async with client_of(app) as client:
        return (await client.options(path)).status_code


async def test_a_head_is_the_get_without_its_body(ada: httpx2.AsyncClient) -> None:
    for path in ("/livez", "/openapi.json", "/api/v1/integrations/", "/nowhere", "/api/v1/points/"):
        got, head = await ada.get(path), await ada.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
    metrics = (await ada.get("/metrics")).text
    assert 'thrive_gateway_requests_total{method="HEAD",route="/livez",status="200"}' in metrics


async def test_a_field_that_there_is_not_is_refused_and_named(ada: httpx2.AsyncClient) -> None:
    sent = {"url": "https://github.com/a/b", "is_privat": True, "x" * 5_000: 1}
    answer = await ada.post(IMPORT, json=sent)
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (422, "INVALID_REQUEST")
    assert "is_privat" in told["error"]
    assert {"field": "is_privat", "problem": "There is no such field."} in told["fields"]
    assert len(answer.content) < 1_000, "a name that was made up is not repeated at any length"


def test_every_body_refuses_fields_that_it_does_not_have(app: FastAPI) -> None:
    description = app.openapi()

    def closed(schema: dict[str, Any]) -> None:
        if name := schema.get("$ref", "").rpartition("/")[2]:
            schema = description["components"]["schemas"][name]
            assert schema.get("type") != "object" or schema["additionalProperties"] is False, name
        inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        for one in [*inner, schema.get("items", {})]:
            if one:
                closed(one)

    bodies = [operation["requestBody"] for _, _, operation in operations(description) if "requestBody" in operation]
    assert len(bodies) > 8
    for body in bodies:
        closed(body["content"]["application/json"]["schema"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/explore/?tecnology=Rust", 422),
        ("/api/v1/integrations/?anything=1", 422),
        ("/api/v1/points/?limit=3&curser=x", 422),
        ("/api/v1/points/?limit=3", 503),
        ("/auth/github/start/?utm_source=mail", 404),
        ("/api/v1/connections/github/callback/?state=x&scope=y&authuser=0", 404),
        ("/livez?probe=1", 200),
    ],
)
async def test_a_query_parameter_that_there_is_not_is_refused_but_where_others_add_theirs(
    ada: httpx2.AsyncClient, path: str, status: int
) -> None:
    answer = await ada.get(path)
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["fields"][-1]["problem"] == "There is no such parameter."


def test_imports_document_every_status_that_a_stage_may_end_them_with(app: FastAPI) -> None:
    statuses = {str(kind.status) for kind in problems(ImportProblem) if kind.__module__.startswith(OF_STAGES)}
    assert len(statuses) > 5
    for _, path, operation in operations(app.openapi()):
        if path.endswith("/import/"):
            assert statuses <= operation["responses"].keys(), path


def problems(kind: type[ImportProblem]) -> Iterator[type[ImportProblem]]:
    for one in kind.__subclasses__():
        yield one
        yield from problems(one)


async def test_every_address_of_ours_is_no_username(app: FastAPI) -> None:
    for _, path, _ in operations(app.openapi()):
        first, *_ = path.removeprefix("/api/v1").strip("/").split("/")
        assert first.startswith("{") or first in RESERVED, path


async def test_integrations_are_listed(ada: httpx2.AsyncClient) -> None:
    listed = (await ada.get("/api/v1/integrations/")).json()["integrations"]
    assert [one["name"] for one in listed] == ["github", "youtube"]


async def test_the_description_is_complete(app: FastAPI) -> None:
    """Every answer of every route has a schema that resolves and an example that fits it."""
    description = app.openapi()
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    assert all(name.replace("_", "").isalpha() and len(name) < 30 for name in names)
    assert description["servers"] == [{"url": "http://127.0.0.1:8000"}]
    for method, path, operation in operations(description):
        assert operation["summary"], path
        assert operation["description"], path
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, status)
            for media in answer.get("content", {}).values():
                check_example(description, media, f"{method} {path} {status}")
        if "requestBody" in operation:
            check_example(description, operation["requestBody"]["content"]["application/json"], f"{method} {path}")
        if path.startswith("/api/"):
            ways_in = [way for way in operation["security"] if way]
            assert ways_in == [{"HTTPBearer": []}, {"APIKeyCookie": []}]
            assert {"401", "422", "500", "503"} <= operation["responses"].keys(), path


def check_example(description: dict[str, Any], media: dict[str, Any], where: str) -> None:
    schema = media.get("schema", {})
    target = description["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    examples = [media["example"]] if "example" in media else target.get("examples", [])
    examples += [named["value"] for named in media.get("examples", {}).values()]
    assert examples, f"{where} has no example"
    checker = Draft202012Validator({**schema, "components": description["components"]})
    for example in examples:
        assert not [error.message for error in checker.iter_errors(example)], where


async def test_the_description_is_served(ada: httpx2.AsyncClient) -> None:
    assert json.loads((await ada.get("/openapi.json")).content)["info"]["title"] == "Thrive Imports"


async def test_a_token_in_another_scheme_is_none(app: FastAPI) -> None:
    async with client_of(app) as client:
        token = bearer()["Authorization"].removeprefix("Bearer ")
        for value in (f"Basic {token}", token, "Bearer", "Bearer "):
            answer = await client.get("/api/v1/points/", headers={"Authorization": value})
            assert answer.status_code == 401
