"""Which repositories a delivery of GitHub's is about."""

import json
from typing import Any

import pytest

from integrations.github.webhook import links

REPOSITORY = {"html_url": "https://github.com/Octocat/Hello-World", "default_branch": "main", "id": 1}


def body(**members: Any) -> bytes:
    return json.dumps({"repository": REPOSITORY, **members}).encode()


@pytest.mark.parametrize(
    ("event", "delivery", "found"),
    [
        ("push", body(ref="refs/heads/main"), ["https://github.com/Octocat/Hello-World"]),
        ("push", body(ref="refs/heads/topic"), []),
        ("push", body(ref="refs/tags/main"), []),
        ("repository", body(action="privatized"), ["https://github.com/Octocat/Hello-World"]),
        (
            "repository",
            body(action="renamed", changes={"repository": {"name": {"from": "Hello"}}}),
            ["https://github.com/Octocat/Hello-World", "https://github.com/Octocat/Hello"],
        ),
        (
            "repository",
            body(action="transferred", changes={"owner": {"from": {"user": {"login": "Mona"}}}}),
            ["https://github.com/Octocat/Hello-World", "https://github.com/Mona/Hello-World"],
        ),
        (
            "repository",
            body(action="transferred", changes={"owner": {"from": {"organization": {"login": "Acme"}}}}),
            ["https://github.com/Octocat/Hello-World", "https://github.com/Acme/Hello-World"],
        ),
        (
            "repository",
            body(action="edited", changes={"description": {"from": "Old"}, "default_branch": {"from": "master"}}),
            ["https://github.com/Octocat/Hello-World"],
        ),
        ("ping", body(zen="Speak like a human."), []),
        ("star", b"never read", []),
    ],
)
def test_the_repository_and_its_former_link(event: str, delivery: bytes, found: list[str]) -> None:
    assert links(event, delivery) == found


@pytest.mark.parametrize(
    "delivery",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"payload=%7B%7D",
        b"[" * 100_000,
        body(repository=None),
        body(repository={"html_url": 7}),
        body(repository={"html_url": "https"}),
        body(repository={"html_url": "https://github.com/a/b" + "x" * 3_000}),
        body(changes={"repository": {"name": {"from": ["x"]}}}),
    ],
)
def test_what_is_no_such_delivery_is_refused_in_our_words(delivery: bytes) -> None:
    with pytest.raises(ValueError, match=r"^The body is not a `push` event\.$"):
        links("push", delivery)
