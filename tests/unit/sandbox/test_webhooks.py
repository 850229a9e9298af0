import hashlib
import hmac
import json
from typing import Any

import pytest

from sandbox.client import SandboxClient
from sandbox.upstreams.github.webhooks import SECRET
from tests.unit.sandbox.receiver import Receiver, receiving

REPOSITORY = "mira-example/paper-lanterns"


def _events(receiver: Receiver) -> list[tuple[str, str]]:
    return [(one.headers["x-github-event"], json.loads(one.body).get("action", "")) for one in receiver.received]


@pytest.mark.parametrize(
    ("change", "event", "changes"),
    [
        ({"readme": "# New"}, ("push", ""), None),
        (
            {"full_name": "mira-example/lanterns"},
            ("repository", "renamed"),
            {"repository": {"name": {"from": "paper-lanterns"}}},
        ),
        ({"private": True}, ("repository", "privatized"), None),
        ({"archived": True}, ("repository", "archived"), None),
        (
            {"homepage": "https://x.example"},
            ("repository", "edited"),
            {"homepage": {"from": "https://paper-lanterns.example.com"}},
        ),
    ],
)
async def test_change_is_told_and_signed(
    sandbox: SandboxClient, change: dict[str, Any], event: tuple[str, str], changes: dict[str, Any] | None
) -> None:
    async with receiving() as receiver:
        await sandbox.webhooks(receiver.url)
        (delivery,) = await sandbox.change_repository(REPOSITORY, **change)
        assert (delivery["status"], delivery["kind"]) == (204, "github")
    assert _events(receiver) == [event]
    (one,) = receiver.received
    signature = hmac.new(SECRET.encode(), one.body, hashlib.sha256).hexdigest()
    assert one.headers["x-hub-signature-256"] == f"sha256={signature}"
    payload = json.loads(one.body)
    assert payload.get("changes") == changes
    assert payload["repository"]["id"] == 700_000_002


async def test_creation_deletion_and_transfer_have_their_own_actions(sandbox: SandboxClient) -> None:
    async with receiving() as receiver:
        await sandbox.webhooks(receiver.url)
        await sandbox.change_repository("mira-example/brand-new", readme="# New")
        await sandbox.change_repository("mira-example/brand-new", full_name="juniper-example/brand-new")
        await sandbox.delete_repository("juniper-example/brand-new")
        await sandbox.change_repository(REPOSITORY, stars=5)  # stars are no news
    assert _events(receiver) == [("repository", "created"), ("repository", "transferred"), ("repository", "deleted")]


async def test_delivery_id_is_new_for_each_push_and_the_same_when_redelivered(sandbox: SandboxClient) -> None:
    async with receiving() as receiver:
        await sandbox.webhooks(receiver.url)
        (first,) = await sandbox.push_repository(REPOSITORY)
        await sandbox.push_repository(REPOSITORY)
        await sandbox.redeliver(first["id"])
        await sandbox.webhooks(receiver.url, secret="another")
        await sandbox.push_repository(REPOSITORY)
    ids = [one.headers["x-github-delivery"] for one in receiver.received]
    assert ids[0] == ids[2] != ids[1]
    assert receiver.received[0].body == receiver.received[2].body
    signatures = {one.headers["x-hub-signature-256"] for one in receiver.received}
    assert len(signatures) == 2  # the same bytes, and another secret


async def test_nothing_is_sent_without_an_address(sandbox: SandboxClient) -> None:
    assert await sandbox.push_repository(REPOSITORY) == []
    assert await sandbox.change_repository(REPOSITORY, private=True) == []
    assert await sandbox.deliveries() == []
