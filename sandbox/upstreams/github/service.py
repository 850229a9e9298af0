"""Who asks, what for, and may they: the order in which GitHub decides."""

from functools import lru_cache
from itertools import count

from sandbox.data.model import Repository
from sandbox.exchange import Call, Reply, dump, http_date
from sandbox.faults import Rule
from sandbox.limits import Budget, Limits
from sandbox.oauth.grants import Grants
from sandbox.upstreams.credentials import Caller, caller_of
from sandbox.upstreams.github import account, applications, commits, errors, lists, shapes
from sandbox.upstreams.github.conditional import Rendered, conditional, rendered
from sandbox.upstreams.github.shapes import Viewer
from sandbox.world import World

_REPOSITORY_ENDPOINTS = ("", "/readme", "/languages", "/topics", "/commits")
_EVERY_ANSWER = {
    "Server": "github.com",
    "X-GitHub-Media-Type": "github.v3; format=json",
    "x-github-api-version-selected": "2022-11-28",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, "
    "X-RateLimit-Remaining, X-RateLimit-Used, X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, "
    "X-Accepted-OAuth-Scopes, X-Poll-Interval, X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, "
    "Deprecation, Sunset",
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=31536000; includeSubdomains; preload",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "0",
    "Referrer-Policy": "origin-when-cross-origin, strict-origin-when-cross-origin",
    "Content-Security-Policy": "default-src 'none'",
}
_ANONYMOUS = _EVERY_ANSWER | {
    "Cache-Control": "public, max-age=60, s-maxage=60",
    "Vary": "Accept, Accept-Encoding, Accept, X-Requested-With",
}
_AUTHENTICATED = _EVERY_ANSWER | {
    "Cache-Control": "private, max-age=60, s-maxage=60",
    "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
    "X-OAuth-Scopes": "repo, read:user",  # of a token that nobody granted
    "X-Accepted-OAuth-Scopes": "repo",
}


class GitHub:
    name = "github"
    kinds = frozenset(errors.FAULTS)

    def __init__(self, world: World, limits: Limits, grants: Grants) -> None:
        self._world = world
        self._limits = limits
        self._grants = grants
        self._requests = count(1)

    def endpoint(self, path: str) -> str:
        match path.split("/"):
            case ["", "repos", _, _, *rest]:
                return "/".join(["/repos/{owner}/{repo}", *rest])
            case ["", "repositories", _, *rest]:
                return "/".join(["/repositories/{id}", *rest])
            case ["", ("users" | "orgs" | "user") as kind, _, "repos"]:
                return f"/{kind}/{{name}}/repos"
            case ["", "applications", _, what]:
                return f"/applications/{{client_id}}/{what}"
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        reply = errors.fault(rule)
        if rule.kind == "html":
            return reply  # from a proxy before GitHub
        caller = caller_of(call, self._grants, "github")
        return self._signed(reply, caller, self._budget(caller, call.remote, cost=0))

    def answer(self, call: Call) -> Reply:
        if not call.headers.get("User-Agent"):
            return errors.no_user_agent()
        caller = caller_of(call, self._grants, "github")
        free = call.path == "/rate_limit" or caller.refused
        budget = self._budget(caller, call.remote, cost=0 if free else 1)
        if caller.refused:
            reply = errors.bad_credentials()
        elif free:
            reply = _rate_limits(budget)
        elif budget.exceeded:
            who = str(shapes.user_id(caller.login)) if caller.authenticated else call.remote
            reply = errors.rate_limited(who, caller.authenticated, {})
        else:
            reply = self._resource(call, caller)
            if reply.status == 304 and caller.authenticated:
                budget.used -= 1  # not modified is free, but only with a credential
        return self._signed(reply, caller, budget)

    def _budget(self, caller: Caller, remote: str, cost: int) -> Budget:
        known = caller.authenticated and not caller.refused
        return self._limits.spend(self.name, caller.key if known else remote, authenticated=known, cost=cost)

    def _signed(self, reply: Reply, caller: Caller, budget: Budget) -> Reply:
        """With the headers that every answer has; the reply's own win."""
        common = _AUTHENTICATED if caller.authenticated and not caller.refused else _ANONYMOUS
        scopes = {} if caller.scopes is None or caller.refused else {"X-OAuth-Scopes": ", ".join(caller.scopes)}
        number = {"X-GitHub-Request-Id": f"5A8D:1F2C:{next(self._requests):07X}:2B60E1:690A1C55"}
        limits = errors.limit_headers(budget.limit, budget.used, budget.reset)
        return reply._replace(headers={**common, **scopes, **number, **limits, **reply.headers})

    def _resource(self, call: Call, caller: Caller) -> Reply:
        api = f"{call.base}/github"
        if call.path.startswith("/applications/"):
            _, _, client_id, what = call.path.split("/", 3)
            return applications.respond(call, client_id, what, self._grants)
        if call.method not in ("GET", "HEAD"):
            return errors.not_found(f"{errors.DOCS}/rest")
        match call.path.split("/"):
            case ["", "repos", owner, name, *rest]:
                repo = self._world.repository(f"{owner}/{name}")
                if repo is None and (moved := self._world.moved(f"{owner}/{name}")):
                    if self._viewer(moved, caller) is None:
                        return errors.not_found()
                    return errors.moved("/".join([f"{api}/repositories/{moved.id}", *rest]))
                return self._of_repository(repo, "/".join(["", *rest]), call, caller)
            case ["", "repositories", number, *rest] if number.isdecimal():
                repo = self._world.repository_by_id(int(number))
                return self._of_repository(repo, "/".join(["", *rest]), call, caller)
            case ["", "user"] | ["", "user", ("repos" | "emails")] if not caller.authenticated:
                return account.requires_authentication()
            case ["", "user"]:
                body = account.user(caller, api, self._world.owned_by(caller.login))
                return conditional(call, caller, rendered(body))
            case ["", "user", "emails"]:
                return account.emails(caller)
            case ["", "user", "repos"]:
                return account.repositories(caller, call, api, self._world.owned_by(caller.login))
            case ["", "users" | "orgs" | "user", owner, "repos"]:
                login = self._login(owner) if owner.isdecimal() else owner
                repos = [repo for repo in self._world.owned_by(login) if self._viewer(repo, caller)]
                url = f"{api}/user/{shapes.user_id(login)}/repos"
                return lists.page(repos, call, caller, url, "member" if caller.authenticated else "anonymous")
        return errors.not_found(f"{errors.DOCS}/rest")

    def _of_repository(self, repo: Repository | None, rest: str, call: Call, caller: Caller) -> Reply:
        viewer = self._viewer(repo, caller) if repo else None
        if repo is None or viewer is None or rest not in _REPOSITORY_ENDPOINTS:
            return errors.not_found()
        if repo.blocked:
            return errors.blocked(repo.full_name)
        if rest == "/readme":
            if repo.readme is None:
                return errors.not_found(f"{errors.DOCS}/rest/repos/contents#get-a-repository-readme")
            if ".raw" in call.headers.get("Accept", ""):
                raw = {"Content-Type": "application/vnd.github.raw; charset=utf-8"}
                return conditional(call, caller, rendered(repo.readme.content), raw)
            if ".html" in call.headers.get("Accept", ""):
                page = {"Content-Type": "application/vnd.github.html; charset=utf-8"}
                return conditional(call, caller, rendered(shapes.rendered_readme(repo.readme)), page)
        if rest == "/commits":
            return commits.page(repo, call, caller, f"{call.base}/github")
        parent = self._world.repository(repo.parent) if repo.parent else None
        answer = _render(repo, parent, rest, f"{call.base}/github", viewer)
        reply = conditional(call, caller, answer)
        modified = {"Last-Modified": http_date(repo.updated)} if rest != "/topics" else {}
        return reply._replace(headers={**reply.headers, **modified})

    def _viewer(self, repo: Repository, caller: Caller) -> Viewer | None:
        """None: this caller must not learn that the repository exists."""
        if repo.private and not (caller.owns(repo.owner) and caller.may("repo")):
            return None
        if caller.owns(repo.owner):
            return "owner"
        return "member" if caller.authenticated else "anonymous"

    def _login(self, number: str) -> str:
        return next((login for login in self._world.owners() if shapes.user_id(login) == int(number)), "")


@lru_cache(maxsize=4_096)
def _render(repo: Repository, parent: Repository | None, rest: str, api: str, viewer: Viewer) -> Rendered:
    if rest == "/readme":
        assert repo.readme is not None  # noqa: S101  the caller has looked
        body = dump(shapes.readme(repo.readme, repo, api))
    elif rest == "/languages":
        body = dump(dict(repo.languages))
    elif rest == "/topics":
        body = dump({"names": repo.topics})
    else:
        body = dump(shapes.repository(repo, parent, api, viewer))
    return rendered(body)


def _rate_limits(budget: Budget) -> Reply:
    core = {"limit": budget.limit, "used": budget.used, "remaining": budget.remaining, "reset": budget.reset}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": budget.reset}
    graphql = {"limit": 5_000, "used": 0, "remaining": 5_000, "reset": budget.reset}
    body = {"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core}
    return Reply(200, errors.JSON | {"Cache-Control": "no-cache"}, dump(body))
