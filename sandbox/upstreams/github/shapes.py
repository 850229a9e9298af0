"""GitHub's JSON for what the sandbox knows. https://docs.github.com/rest/repos/repos#get-a-repository"""

import base64
import hashlib
import zlib
from html import escape
from typing import Any, Literal

from sandbox.data.model import Readme, Repository

Viewer = Literal["anonymous", "member", "owner"]

LICENCES = {
    "mit": ("MIT License", "MIT"),
    "apache-2.0": ("Apache License 2.0", "Apache-2.0"),
    "gpl-3.0": ("GNU General Public License v3.0", "GPL-3.0"),
    "bsd-3-clause": ('BSD 3-Clause "New" or "Revised" License', "BSD-3-Clause"),
    "mpl-2.0": ("Mozilla Public License 2.0", "MPL-2.0"),
    "cc-by-4.0": ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
    "other": ("Other", "NOASSERTION"),  # a licence file that GitHub does not recognise
}
MAX_README_BYTES = 1_048_576  # above it the contents API leaves the content out

# {name: path below the repository, in GitHub's order}
_LINKS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}


def node_id(prefix: str, number: int) -> str:
    return f"{prefix}_kgDO" + base64.urlsafe_b64encode(number.to_bytes(4, "big")).decode().rstrip("=")


def user_id(login: str) -> int:
    return 90_000_000 + zlib.crc32(login.lower().encode()) % 10_000_000


def account(login: str, api: str, *, organization: bool) -> dict[str, Any]:
    """The "simple user" that GitHub embeds everywhere."""
    number, url = user_id(login), f"{api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("O" if organization else "U", number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{login}",
        "followers_url": f"{url}/followers",
        "following_url": url + "/following{/other_user}",
        "gists_url": url + "/gists{/gist_id}",
        "starred_url": url + "/starred{/owner}{/repo}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": url + "/events{/privacy}",
        "received_events_url": f"{url}/received_events",
        "type": "Organization" if organization else "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def member(login: str, api: str, repositories: int) -> dict[str, Any]:
    """GET /user: the account that a token belongs to."""
    return account(login, api, organization=False) | {
        "name": login.replace("-", " ").title(),
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 12,
        "following": 7,
        "created_at": "2019-02-03T04:05:06Z",
        "updated_at": "2026-08-01T10:00:00Z",
    }


def repository_summary(repo: Repository, api: str, viewer: Viewer) -> dict[str, Any]:
    """A repository as lists show it."""
    url, html = f"{api}/repos/{repo.full_name}", f"https://github.com/{repo.full_name}"
    body: dict[str, Any] = {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": account(repo.owner, api, organization=repo.organization),
        "html_url": html,
        "description": repo.description,
        "fork": repo.parent is not None,
        "url": url,
        **{name: url + path for name, path in _LINKS.items()},
        "created_at": repo.created,
        "updated_at": repo.updated,
        "pushed_at": repo.pushed,
        "git_url": f"git://github.com/{repo.full_name}.git",
        "ssh_url": f"git@github.com:{repo.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": repo.homepage,
        "size": repo.size,
        "stargazers_count": repo.stars,
        "watchers_count": repo.stars,
        "language": next(iter(repo.languages), None),
        "has_issues": repo.parent is None,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": repo.forks,
        "mirror_url": None,
        "archived": repo.archived,
        "disabled": False,
        "open_issues_count": repo.open_issues,
        "license": _licence(repo.licence, api),
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": list(repo.topics),
        "visibility": "private" if repo.private else "public",
        "forks": repo.forks,
        "open_issues": repo.open_issues,
        "watchers": repo.stars,
        "default_branch": repo.default_branch,
    }
    if viewer != "anonymous":
        owns = viewer == "owner"
        body["permissions"] = {"admin": owns, "maintain": owns, "push": owns, "triage": owns, "pull": True}
    return body


def repository(repo: Repository, parent: Repository | None, api: str, viewer: Viewer) -> dict[str, Any]:
    """GET /repos/{owner}/{repo}, as of REST version 2022-11-28."""
    body = repository_summary(repo, api, viewer)
    body["temp_clone_token"] = None if viewer == "anonymous" else ""
    if viewer == "owner":
        body |= {"allow_squash_merge": True, "allow_merge_commit": True, "allow_rebase_merge": True}
        body |= {"allow_auto_merge": False, "delete_branch_on_merge": False, "allow_update_branch": False}
    body["custom_properties"] = {}
    if repo.organization:
        body["organization"] = body["owner"]
    if parent is not None:
        body["parent"] = body["source"] = repository_summary(parent, api, viewer)
    return body | {"network_count": repo.forks, "subscribers_count": repo.subscribers}


def readme(found: Readme, repo: Repository, api: str) -> dict[str, Any]:
    """GET /repos/{owner}/{repo}/readme. Base64 in lines of 60 characters; nothing of a file over 1 MiB."""
    sha = hashlib.sha1(b"blob %d\0" % len(found.content) + found.content, usedforsecurity=False).hexdigest()
    url = f"{api}/repos/{repo.full_name}/contents/{found.path}?ref={repo.default_branch}"
    git = f"{api}/repos/{repo.full_name}/git/blobs/{sha}"
    html = f"https://github.com/{repo.full_name}/blob/{repo.default_branch}/{found.path}"
    raw = "https://raw.githubusercontent.com"
    fits = len(found.content) <= MAX_README_BYTES
    return {
        "name": found.path.rsplit("/", 1)[-1],
        "path": found.path,
        "sha": sha,
        "size": len(found.content),
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": f"{raw}/{repo.full_name}/{repo.default_branch}/{found.path}",
        "type": "file",
        "content": _wrapped(base64.b64encode(found.content).decode()) if fits else "",
        "encoding": "base64" if fits else "none",
        "_links": {"self": url, "git": git, "html": html},
    }


def rendered_readme(found: Readme) -> bytes:
    """The same with `Accept: application/vnd.github.html+json`: a page of HTML, its links as they were written."""
    if found.html is not None:
        return found.html
    kind = found.path.rpartition(".")[2] if "." in found.path else "plain"
    text = escape(found.content.decode(errors="replace"))
    article = '<article class="markdown-body entry-content container-lg" itemprop="text">'
    return (
        f'<div id="readme" class="{kind}" data-path="{escape(found.path)}">{article}<pre>{text}</pre></article></div>'
    ).encode()


def _wrapped(text: str) -> str:
    return "\n".join(text[i : i + 60] for i in range(0, len(text), 60)) + "\n"


def _licence(key: str | None, api: str) -> dict[str, Any] | None:
    if key is None:
        return None
    name, spdx = LICENCES[key]
    url = None if key == "other" else f"{api}/licenses/{key}"
    return {"key": key, "name": name, "spdx_id": spdx, "url": url, "node_id": node_id("L", len(key))}
