"""Lists of repositories, a page at a time. https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api"""

from collections.abc import Sequence
from urllib.parse import urlencode

from sandbox.data.model import Repository
from sandbox.exchange import Call, Reply, dump
from sandbox.upstreams.credentials import Caller
from sandbox.upstreams.github import shapes
from sandbox.upstreams.github.conditional import conditional, rendered
from sandbox.upstreams.github.shapes import Viewer

_SORTS = ("full_name", "created", "updated", "pushed")


def page(
    repos: Sequence[Repository], call: Call, caller: Caller, url: str, viewer: Viewer, default_sort: str = "pushed"
) -> Reply:
    """`per_page` (30, at most 100) of the list by `sort` and `direction`, and the Link header that leads through it."""
    size, number = per_page(call), page_number(call)
    sort = call.query.get("sort", default_sort)
    sort = sort if sort in _SORTS else default_sort
    descends = call.query.get("direction", "asc" if sort == "full_name" else "desc") == "desc"
    ordered = sorted(repos, key=lambda repo: str(getattr(repo, sort)).lower(), reverse=descends)
    shown = ordered[(number - 1) * size : number * size]
    body = dump([shapes.repository_summary(repo, f"{call.base}/github", viewer) for repo in shown])
    links = link_header(url, call, size, number, max(1, -(-len(repos) // size)))
    return conditional(call, caller, rendered(body), links)


def link_header(url: str, call: Call, size: int, number: int, last: int) -> dict[str, str]:
    """Leads to the pages around this one. Empty where there is only one."""
    before = [("prev", number - 1)] if number > 1 else []
    after = [("next", number + 1), ("last", last)] if number < last else []
    first = [("first", 1)] if number > 1 else []
    kept = {name: value for name, value in call.query.items() if name not in ("page", "per_page")}
    links = [
        f'<{url}?{urlencode({**kept, "per_page": size, "page": to})}>; rel="{rel}"'
        for rel, to in before + after + first
    ]
    return {"Link": ", ".join(links)} if links else {}


def per_page(call: Call) -> int:
    return min(100, max(1, _number(call, "per_page", 30)))


def page_number(call: Call) -> int:
    return max(1, _number(call, "page", 1))


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, "")
    return int(value) if value.isdecimal() else default
