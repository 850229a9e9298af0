"""What an OAuth app may do with its tokens: check and revoke. https://docs.github.com/rest/apps/oauth-applications"""

import json

from sandbox.exchange import Call, Reply, dump
from sandbox.oauth.grants import Grants
from sandbox.oauth.server import basic
from sandbox.upstreams.github import errors, shapes
from sandbox.upstreams.github.oauth import RULES

_DOCS = f"{errors.DOCS}/rest/apps/oauth-applications"


def respond(call: Call, client_id: str, what: str, grants: Grants) -> Reply:
    """/applications/{client_id}/token (POST, DELETE) or /grant (DELETE): by Basic, the token in the body."""
    client = RULES.client
    if client_id != client.id or basic(call) != (client.id, client.secret):
        return errors.not_found(_DOCS)
    try:
        value = json.loads(call.body)["access_token"]
    except (ValueError, KeyError, TypeError):
        return errors.error(422, 'Invalid request.\n\n"access_token" wasn\'t supplied.', _DOCS)
    token = grants.find(value)
    if token is None or not grants.live(token) or token.grant.provider != RULES.provider:
        return errors.not_found(_DOCS)
    match call.method, what:
        case "POST", "token":
            user = shapes.account(token.grant.member.github, f"{call.base}/github", organization=False)
            body = {"token": value, "scopes": list(token.grant.scopes), "user": user}
            return Reply(200, errors.JSON, dump(body | {"app": {"client_id": client.id, "name": "Thrive"}}))
        case "DELETE", "token":
            grants.revoke_token(RULES, value)
        case "DELETE", "grant":
            grants.revoke(RULES.provider, token.grant.member.name)
        case _:
            return errors.not_found(_DOCS)
    return Reply(204, {}, b"")
