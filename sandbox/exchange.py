"""A request and its answer, free of any HTTP library: an upstream is a plain function from one to the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from sandbox.faults import Rule


@dataclass(slots=True)
class Call:
    """A request as an upstream sees it."""

    method: str
    path: str  # decoded, below the upstream's base path: /repos/a/b
    query: Mapping[str, str]
    headers: Mapping[str, str]  # case-insensitive
    body: bytes
    remote: str  # the caller's IP address
    base: str  # where the sandbox is: http://127.0.0.1:9100


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]  # Content-Length, Date and Connection are the server's business
    body: bytes


class Upstream(Protocol):
    """One service that the sandbox plays."""

    name: str  # in the admin API: github, youtube, openai, pictures

    def endpoint(self, path: str) -> str:
        """The path with its variable parts named, for counters: /repos/{owner}/{repo}."""

    def answer(self, call: Call) -> Reply:
        """What the service answers when all is well."""

    def fail(self, call: Call, rule: Rule) -> Reply:
        """What it answers under a fault rule that is not about the transport."""

    @property
    def kinds(self) -> frozenset[str]:
        """Names of the faults that `fail` knows."""


def dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=4_096)
def http_date(iso: str) -> str:
    """2026-05-02T16:00:09Z as HTTP writes it."""
    return format_datetime(datetime.fromisoformat(iso), usegmt=True)
