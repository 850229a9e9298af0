"""Links to GitHub's repositories, and its other pages. No I/O."""

import re
from urllib.parse import unquote

from integrations.base import Ref
from integrations.links import Link
from kit.errors import BROWSE_REPOSITORIES, InvalidURLError

SCHEMES = frozenset({"http", "https", "ssh", "git", "git+https", "git+ssh"})
SAMPLES = {
    "https://github.com/octocat/hello-world": "https://github.com/octocat/hello-world",
    "https://github.com/Octocat/Hello-World": "https://github.com/octocat/hello-world",
    "http://www.github.com/octocat/Hello-World/": "https://github.com/octocat/hello-world",
    "github.com/octocat/Hello-World": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World.git.git/": "https://github.com/octocat/hello-world",
    "https://github.com./octocat/./Hello%2DWorld//": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World?tab=readme-ov-file#usage": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World/tree/main/docs": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World/blob/main/README.md#L3": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World/releases/tag/v1.0": "https://github.com/octocat/hello-world",
    "https://github.com/octocat/Hello-World/issues/1": "https://github.com/octocat/hello-world",
    "git@github.com:octocat/Hello-World.git": "https://github.com/octocat/hello-world",
    "ssh://git@github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
    "git://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
    "git+https://github.com/octocat/Hello-World.git": "https://github.com/octocat/hello-world",
    "https://github.com:443/sigmavirus24/github3.py": "https://github.com/sigmavirus24/github3.py",
}
REFUSED = (
    "https://github.com/",
    "https://github.com/octocat",
    "https://github.com/octocat?tab=repositories",
    "https://github.com/orgs/github/repositories",
    "https://github.com/settings/profile",
    "https://github.com/topics/python",
    "https://github.com/login?return_to=https://github.com/octocat/Hello-World",
    "https://gist.github.com/octocat/6cad326836d38bd3a7ae",
    "https://raw.githubusercontent.com/octocat/Hello-World/main/README.md",
    "https://octocat.github.io/Hello-World",
    "https://api.github.com/repos/octocat/Hello-World",
    "https://g\u0456thub.com/octocat/Hello-World",
    "https://github.com/octocat/..",
    "https://github.com/octocat/Hello-World/../../settings/profile",
    "https://github.com/octocat/%2e%2e",
    "https://github.com/octocat/Hello-World/%2E%2e/settings",
    "https://github.com/octocat/.git",
    "https://github.com/octocat/Hello%2FWorld",
    "https://github.com/octocat/Hello%252DWorld",
    "https://github.com/\u212aelvin/Hello-World",
)
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]{1,100}")
_GIT = re.compile(r"(\.git)+$", re.IGNORECASE | re.ASCII)  # of a clone's address; no name on GitHub ends so
# First segments that are pages of GitHub's own and can be nobody's name
_PAGES = frozenset({
    "about", "account", "apps", "codespaces", "collections", "contact", "copilot", "customer-stories", "dashboard",
    "education", "enterprise", "events", "explore", "features", "issues", "join", "login", "logout", "marketplace",
    "models", "new", "notifications", "organizations", "orgs", "pricing", "pulls", "readme", "resources", "search",
    "security", "sessions", "settings", "signup", "site", "solutions", "sponsors", "stars", "team", "topics",
    "trending", "users",
})  # fmt: skip
# What the page is, and what helps: a suggestion and an action.
_HINTS = {
    "gist": ("Gists are not imported. Paste the link of a repository.", None),
    "orgs": (
        "This is an organisation. Choose one of your repositories, or paste the link of one of its repositories.",
        BROWSE_REPOSITORIES,
    ),
    "owner": (
        "This is a person's or an organisation's page. Choose one of your repositories, or paste a repository link.",
        BROWSE_REPOSITORIES,
    ),
    "page": ("This page of GitHub is not a repository. Paste a link like https://github.com/owner/name.", None),
    "other": ("Paste the link of the repository itself, like https://github.com/owner/name.", None),
}
# Pages about a person or an organisation whose first segment is not their name.
_OF_OWNERS = frozenset({"orgs", "sponsors", "stars", "users"})


def parse(link: Link, site: str) -> Ref:
    """Return the repository that a link of `site` names. Raises InvalidURLError with a hint."""
    host = site.partition("://")[2].lower()
    if link.host not in (host, f"www.{host}"):
        raise refused("gist" if link.host.startswith("gist.") else "other")
    segments = [unquote(segment) for segment in link.segments]
    if not segments:
        raise refused("other")
    if (page := segments[0].lower()) in _PAGES:
        of_owner = page in _OF_OWNERS and len(segments) > 1
        raise refused(("orgs" if page == "orgs" else "owner") if of_owner else "page")
    if len(segments) == 1:
        raise refused("owner")
    return ref(segments[0], _GIT.sub("", segments[1]), site)


def ref(owner: str, name: str, site: str) -> Ref:
    """Return the repository with this owner and name, in lower case: GitHub does not tell names by their case, and the
    link is an identity. The owner's spelling is kept in the item's title, full name and `html_url`.

    Raises InvalidURLError for what cannot be their names.
    """
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
        raise refused("other")
    return Ref(f"{site.lower()}/{owner.lower()}/{name.lower()}", f"{owner}/{name}".lower())


def refused(hint: str) -> InvalidURLError:
    suggestion, action = _HINTS[hint]
    return InvalidURLError("This link does not lead to a GitHub repository.", suggestion=suggestion, action=action)
