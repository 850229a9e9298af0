"""A GitHub of a few repositories, with validators, renames and faults, behind a transport."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

TOKEN = "gho_member"


@dataclass
class Repository:
    id: int
    full_name: str
    readme: str | None = "# Hello"
    stars: int = 1
    private: bool = False
    commits: int = 7


@dataclass
class GitHub:
    """Validators differ by credential, and a private repository is there for the token `TOKEN` alone."""

    repositories: dict[str, Repository] = field(default_factory=dict)  # by every name that leads there
    requests: list[httpx2.Request] = field(default_factory=list)
    status: int = 200  # another one: every answer
    refuses: str = ""  # a credential
    answered: Callable[[], None] = lambda: None  # after each call

    def add(self, full_name: str, **facts: Any) -> Repository:
        repository = Repository(len(self.repositories) + 1, full_name, **facts)
        self.repositories[full_name.lower()] = repository
        return repository

    def rename(self, repository: Repository, full_name: str) -> None:
        repository.full_name = full_name
        self.repositories[full_name.lower()] = repository

    @property
    def statuses(self) -> list[int]:
        return [self.answer(request).status_code for request in list(self.requests)]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answer(request)
        self.answered()
        return answer

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.status != 200:
            reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772370000"} if self.status == 403 else {}
            return httpx2.Response(self.status, headers=reset, json={"message": "no"})
        token = request.headers.get("authorization", "")
        if self.refuses and self.refuses in token:
            return httpx2.Response(401, json={"message": "Bad credentials"})
        _, kind, *rest = request.url.path.split("/")
        if kind == "repositories":
            found = next((it for it in self.repositories.values() if str(it.id) == rest[0]), None)
            what = "/".join(rest[1:])
        else:
            name, what = "/".join(rest[:2]), "/".join(rest[2:])
            found = self.repositories.get(name)
            if found and found.full_name.lower() != name:
                path = "/".join(["/repositories", str(found.id), *rest[2:]])
                return httpx2.Response(301, headers={"location": f"https://api.github.com{path}"}, json={})
        if found is None or (found.private and TOKEN not in token):
            return httpx2.Response(404, json={"message": "Not Found"})
        body, headers = self._body(found, what)
        if body is None:
            return httpx2.Response(404, json={"message": "Not Found"})
        content = json.dumps(body).encode()
        etag = f'W/"{hashlib.sha256(content + token.encode()).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return httpx2.Response(304, headers={"etag": etag})
        return httpx2.Response(200, headers={"etag": etag, **headers}, content=content)

    def _body(self, it: Repository, what: str) -> tuple[Any, dict[str, str]]:
        match what:
            case "":
                return {
                    "id": it.id, "full_name": it.full_name, "private": it.private, "default_branch": "main",
                    "stargazers_count": it.stars, "pushed_at": f"2026-02-01T00:00:{it.commits:02}Z",
                }, {}  # fmt: skip
            case "readme" if it.readme is not None:
                content = base64.b64encode(it.readme.encode()).decode()
                return {"path": "README.md", "encoding": "base64", "size": len(it.readme), "content": content}, {}
            case "languages":
                return {"Python": 100}, {}
            case "commits":
                last = f'<https://api.github.com/repositories/{it.id}/commits?per_page=1&page={it.commits}>; rel="last"'
                return [{"sha": f"{it.commits:040}", "commit": {"committer": {"date": "2026-02-01T00:00:00Z"}}}], {
                    "link": last
                }
        return None, {}
