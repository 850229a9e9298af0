"""GitHub's webhooks: signed by SHA-256 over the raw body, each delivery once."""

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from kit.mongo import Database
from tests.e2e.push.conftest import GITHUB_SECRET, REPOSITORY, World, event_body, signature
from tests.unit.gateway.support import FakeBroker, client_of, gateway_app, settings


@pytest.mark.parametrize("event", ["push", "repository"])
async def test_a_repository_that_changed_is_due_for_each_who_follows_it(world: World, event: str) -> None:
    for member in ("ada", "bob"):
        await world.follows(member, REPOSITORY)
    await world.follows("eve", "https://github.com/octocat/another")
    answer = await world.github(event)
    assert (answer.status_code, answer.content) == (202, b"")
    assert await world.pushed() == ["ada", "bob"]


async def test_a_rename_is_told_to_those_who_follow_the_former_name(world: World) -> None:
    await world.follows("ada", REPOSITORY)
    changes = {"repository": {"name": {"from": "Hello-World"}}}
    renamed = event_body("https://github.com/octocat/Greetings", action="renamed", changes=changes)
    assert (await world.github("repository", body=renamed)).status_code == 202
    assert await world.pushed() == ["ada"]


async def test_what_is_not_signed_with_the_secret_is_refused_and_leaves_no_trace(world: World) -> None:
    await world.follows("ada", REPOSITORY)
    body = event_body()
    signed = signature(body, GITHUB_SECRET, "sha256")
    reserialised = json.dumps(json.loads(body), indent=1).encode()
    attacks = [
        (bytes([body[0] ^ 1]) + body[1:], signed),
        (reserialised, signed),
        (body + b" ", signed),
        (body, signed[:-1] + ("0" if signed[-1] != "0" else "1")),
        (body, signature(body, "another secret", "sha256")),
        (body, signature(body, "", "sha256")),
        (body, signature(body, GITHUB_SECRET, "sha1")),
        (body, signature(body, GITHUB_SECRET, "sha512")),
        (body, signature(body, GITHUB_SECRET, "sha1").replace("sha1", "sha256")),
        (body, "sha256="),
        (body, ""),
    ]
    for forged, header in attacks:
        answer = await world.github(body=forged, **{"X-Hub-Signature-256": header})
        assert (answer.status_code, answer.json()["error_code"]) == (401, "SIGNATURE_INVALID")
        assert "www-authenticate" not in answer.headers
    assert await world.pushed() == []
    assert (await world.github()).status_code == 202, "a forged delivery's id does not use up the genuine one's"


async def test_the_old_header_by_sha1_alone_counts_for_nothing(world: World) -> None:
    body = event_body()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "1",
        "X-Hub-Signature": signature(body, GITHUB_SECRET, "sha1"),
    }
    assert (await world.client.post("/webhooks/github/", content=body, headers=headers)).status_code == 401


async def test_a_delivery_that_is_repeated_is_not_synced_again(world: World) -> None:
    await world.follows("ada", REPOSITORY)
    assert (await world.github(delivery="one")).status_code == 202
    await world.synced()
    world.clock.advance(timedelta(hours=1))
    assert (await world.github(delivery="one")).status_code == 204
    assert (await world.github(delivery="made up, as the signature does not cover it")).status_code == 204
    assert await world.pushed() == []
    assert (await world.github(delivery="two", body=event_body(after="another commit"))).status_code == 202
    assert await world.pushed() == ["ada"]


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("ping", event_body(zen="Design for failure.")),
        ("star", event_body()),
        ("", event_body()),
        ("push", event_body(ref="refs/heads/topic")),
        ("push", event_body("https://elsewhere.test/octocat/hello-world")),
    ],
)
async def test_what_changes_no_project_is_taken_and_dropped(world: World, event: str, body: bytes) -> None:
    await world.follows("ada", REPOSITORY)
    assert (await world.github(event, body=body)).status_code == 204
    assert await world.pushed() == []


@pytest.mark.parametrize("body", [b"{}", b"payload=%7B%7D", b"\xff", b"[" * 20_000])
async def test_a_signed_delivery_that_makes_no_sense_says_so(world: World, body: bytes) -> None:
    answer = await world.github(body=body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("delivery", ["", "x" * 200])
async def test_a_delivery_names_itself(world: World, delivery: str) -> None:
    assert (await world.github(delivery=delivery)).status_code == 422


async def test_a_large_push_is_read_and_an_endless_one_is_not(world: World) -> None:
    await world.follows("ada", REPOSITORY)
    assert (await world.github(body=event_body(commits=["x" * 1_000] * 500))).status_code == 202
    refused = await world.github(delivery="2", body=event_body(commits=["x" * 1_000] * 1_100))
    assert (refused.status_code, refused.json()["error_code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("header", [None, signature(event_body(), "", "sha256")])
async def test_without_a_secret_there_is_no_such_address(db: Database, header: str | None) -> None:
    app = gateway_app(settings(github_webhook_secret=SecretStr("")), db, FakeBroker().publish)
    async with client_of(app) as client:
        headers = {"X-Hub-Signature-256": header} if header else {}
        answer = await client.post("/webhooks/github/", content=event_body(), headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
