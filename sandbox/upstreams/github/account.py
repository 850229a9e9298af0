"""What a token's own account may ask: /user, its addresses and its repositories."""

from sandbox.data.model import Repository
from sandbox.exchange import Call, Reply, dump
from sandbox.upstreams.credentials import Caller
from sandbox.upstreams.github import errors, lists, shapes

_USERS = f"{errors.DOCS}/rest/users"


def requires_authentication() -> Reply:
    return errors.error(401, "Requires authentication", f"{_USERS}/users#get-the-authenticated-user")


def user(caller: Caller, api: str, owned: list[Repository]) -> bytes:
    """GET /user; private counts only with the scope `user`."""
    private = sum(repo.private for repo in owned)
    body = shapes.member(caller.login, api, len(owned) - private)
    if caller.issued:
        member = caller.issued.grant.member
        body |= {"name": member.display_name, "email": member.email if caller.may("user", "user:email") else None}
        if caller.may("user", "read:user"):
            body |= {"private_gists": 0, "total_private_repos": private, "owned_private_repos": private}
            body |= {"disk_usage": 1_024, "collaborators": 0, "two_factor_authentication": True}
    return dump(body)


def emails(caller: Caller) -> Reply:
    """GET /user/emails, which does not exist for a token without the scope."""
    if not caller.may("user", "user:email") or caller.issued is None:
        return errors.not_found(f"{_USERS}/emails#list-email-addresses-for-the-authenticated-user")
    member = caller.issued.grant.member
    hidden = f"{shapes.user_id(member.github)}+{member.github}@users.noreply.github.com"
    body = [
        {"email": member.email, "primary": True, "verified": True, "visibility": "private"},
        {"email": hidden, "primary": False, "verified": True, "visibility": None},
    ]
    return Reply(200, errors.JSON, dump(body))


def repositories(caller: Caller, call: Call, api: str, owned: list[Repository]) -> Reply:
    """GET /user/repos with `visibility`; private ones only with the scope `repo`."""
    visibility = call.query.get("visibility", "all")
    if visibility not in ("all", "public", "private"):
        return errors.error(422, "Validation Failed", f"{errors.DOCS}/rest/repos/repos")
    seen = [repo for repo in owned if not repo.private or caller.may("repo")]
    shown = [repo for repo in seen if visibility == "all" or repo.private == (visibility == "private")]
    return lists.page(shown, call, caller, f"{api}/user/repos", "owner", default_sort="full_name")
