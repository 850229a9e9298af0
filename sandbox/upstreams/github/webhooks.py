"""What GitHub tells one configured address of its repositories: `push` and `repository`.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any

from sandbox.courier import Courier, Delivery
from sandbox.data.model import Repository
from sandbox.exchange import dump
from sandbox.upstreams.github import commits, shapes

API = "https://api.github.com"
SECRET = "sandbox-webhook-secret"  # noqa: S105  what the importer is told too


class Webhooks:
    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self.reset()

    def reset(self) -> None:
        self._url, self._secret = "", SECRET

    def configure(self, url: str, secret: str = SECRET) -> None:
        """An empty `url` ends them. Another secret than the receiver's makes each signature wrong."""
        self._url, self._secret = url, secret

    async def changed(self, before: Repository | None, after: Repository | None) -> list[Delivery]:
        """Tells what became of a repository; None stands for one that is not there."""
        return [
            await self._send(event, body | self._common(after or before))
            for event, body in _events(before, after)
            if self._url
        ]

    async def push(self, repo: Repository) -> list[Delivery]:
        """As if its newest commit had been pushed just now."""
        return [await self._send("push", _push(repo) | self._common(repo))] if self._url else []

    def _common(self, repo: Repository | None) -> dict[str, Any]:
        assert repo is not None  # noqa: S101  there was one, or there is
        sender = shapes.account(repo.owner, API, organization=repo.organization)
        return {"repository": shapes.repository_summary(repo, API, "anonymous"), "sender": sender}

    async def _send(self, event: str, payload: dict[str, Any]) -> Delivery:
        body, key = dump(payload), self._secret.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-GitHub-Hook-ID": "424242",
            "X-GitHub-Hook-Installation-Target-ID": str(payload["repository"]["id"]),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
        }
        about = payload["repository"]["full_name"]
        return await self._courier.send(Delivery("github", about, "POST", self._url, headers, body))


def _events(before: Repository | None, after: Repository | None) -> list[tuple[str, dict[str, Any]]]:
    if before is None or after is None:
        return [("repository", {"action": "created" if after else "deleted"})]
    events: list[tuple[str, dict[str, Any]]] = []
    if before.owner.lower() != after.owner.lower():
        was = shapes.account(before.owner, API, organization=before.organization)
        kind = "organization" if before.organization else "user"
        events.append(_repository("transferred", {"owner": {"from": {kind: was}}}))
    if before.name != after.name:
        events.append(_repository("renamed", {"repository": {"name": {"from": before.name}}}))
    if before.private != after.private:
        events.append(_repository("privatized" if after.private else "publicized"))
    if before.archived != after.archived:
        events.append(_repository("archived" if after.archived else "unarchived"))
    edited = {
        field: {"from": getattr(before, field)}
        for field in ("description", "homepage", "default_branch")
        if getattr(before, field) != getattr(after, field)
    }
    if before.topics != after.topics:
        edited["topics"] = {"from": list(before.topics)}
    if edited:
        events.append(_repository("edited", edited))
    if (before.pushed, before.commits, before.readme) != (after.pushed, after.commits, after.readme):
        events.append(("push", _push(after)))
    return events


def _repository(action: str, changes: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    return "repository", {"action": action} | ({"changes": changes} if changes else {})


def _push(repo: Repository) -> dict[str, Any]:
    new, old = commits.sha(repo, 0), commits.sha(repo, 1)
    person = {"name": repo.owner, "email": f"{repo.owner}@users.noreply.github.com"}
    html = f"https://github.com/{repo.full_name}"
    commit = {
        "id": new,
        "tree_id": commits.sha(repo, 0)[::-1],
        "distinct": True,
        "message": f"Change number {repo.commits}",
        "timestamp": datetime.fromisoformat(repo.pushed).isoformat(),
        "url": f"{html}/commit/{new}",
        "author": person | {"username": repo.owner},
        "committer": person | {"username": repo.owner},
        "added": [],
        "removed": [],
        "modified": [repo.readme.path] if repo.readme else [],
    }
    return {
        "ref": f"refs/heads/{repo.default_branch}",
        "before": old,
        "after": new,
        "pusher": person,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"{html}/compare/{old[:12]}...{new[:12]}",
        "commits": [commit],
        "head_commit": commit,
    }
