"""GET /repos/{owner}/{repo}/commits, made by rule from how many there are.

https://docs.github.com/rest/commits/commits#list-commits
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sandbox.data.model import Repository
from sandbox.exchange import Call, Reply, dump, http_date
from sandbox.upstreams.credentials import Caller
from sandbox.upstreams.github import errors, lists, shapes
from sandbox.upstreams.github.conditional import conditional, rendered


def page(repo: Repository, call: Call, caller: Caller, api: str) -> Reply:
    """Newest first. With `per_page=1` the number of the last page in the Link header is how many there are."""
    if not repo.size or not repo.commits:
        return errors.empty()
    per_page, number = lists.per_page(call), lists.page_number(call)
    first = (number - 1) * per_page
    shown = [_commit(repo, back, api) for back in range(first, min(first + per_page, repo.commits))]
    last = -(-repo.commits // per_page)
    link = lists.link_header(f"{api}/repositories/{repo.id}/commits", call, per_page, number, last)
    headers = {"Last-Modified": http_date(repo.pushed)} | link
    return conditional(call, caller, rendered(dump(shown)), headers)


def sha(repo: Repository, back: int) -> str:
    """Of the commit that many before the newest."""
    text = f"{repo.id} {repo.commits - back}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _commit(repo: Repository, back: int, api: str) -> dict[str, Any]:
    found, url = sha(repo, back), f"{api}/repos/{repo.full_name}"
    at = datetime.fromisoformat(repo.pushed) - timedelta(days=back)
    by = {
        "name": repo.owner,
        "email": f"{repo.owner}@users.noreply.github.com",
        "date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    author = shapes.account(repo.owner, api, organization=False)
    tree = hashlib.sha1(found.encode(), usedforsecurity=False).hexdigest()
    parents = [sha(repo, back + 1)] if back + 1 < repo.commits else []
    html = f"https://github.com/{repo.full_name}/commit"
    verification = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
    return {
        "sha": found,
        "node_id": shapes.node_id("C", repo.id),
        "commit": {
            "author": by,
            "committer": by,
            "message": f"Change number {repo.commits - back}",
            "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
            "url": f"{url}/git/commits/{found}",
            "comment_count": 0,
            "verification": verification,
        },
        "url": f"{url}/commits/{found}",
        "html_url": f"{html}/{found}",
        "comments_url": f"{url}/commits/{found}/comments",
        "author": author,
        "committer": author,
        "parents": [{"sha": one, "url": f"{url}/commits/{one}", "html_url": f"{html}/{one}"} for one in parents],
    }
