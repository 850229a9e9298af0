"""Lists of repositories, a page at a time. https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""

import hashlib
from collections.abc import Sequence

from sandbox.data.model import Repository
from sandbox.exchange import Call, Reply, dump
from sandbox.upstreams.github import errors, shapes
from sandbox.upstreams.github.shapes import Viewer


def page(repos: Sequence[Repository], call: Call, url: str, viewer: Viewer) -> Reply:
    """`per_page` (30, at most 100) of the list, newest push first, with the Link header that leads through it."""
    per_page = min(100, max(1, _number(call, "per_page", 30)))
    number = max(1, _number(call, "page", 1))
    last = max(1, -(-len(repos) // per_page))
    newest_first = sorted(repos, key=lambda repo: repo.pushed, reverse=True)
    shown = newest_first[(number - 1) * per_page : number * per_page]
    body = dump([shapes.repository_summary(repo, f"{call.base}/github", viewer) for repo in shown])
    headers = errors.JSON | {"ETag": f'W/"{hashlib.sha256(body).hexdigest()}"'}
    before = [("prev", number - 1)] if number > 1 else []
    after = [("next", number + 1), ("last", last)] if number < last else []
    first = [("first", 1)] if number > 1 else []
    links = [f'<{url}?per_page={per_page}&page={to}>; rel="{rel}"' for rel, to in before + after + first]
    return Reply(200, headers | ({"Link": ", ".join(links)} if links else {}), body)


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, "")
    return int(value) if value.isdecimal() else default
