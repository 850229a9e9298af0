"""The page that asks a member: who they are, what they allow."""

from collections.abc import Mapping, Sequence
from html import escape

from sandbox.data.members import MEMBERS
from sandbox.exchange import Reply

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Frame-Options": "DENY",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title} · sandbox</title>
<style>body {{ font: 1rem system-ui; max-width: 32rem; margin: 4rem auto; }} button {{ font: inherit }}</style>
{body}
"""


def consent(title: str, client: str, asked: Mapping[str, str], scopes: Sequence[str], fixed: frozenset[str]) -> Reply:
    """A form that posts the request again, with `member`, a `tick` for each scope, and `decision` allow or deny."""
    hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in asked.items())
    who = "".join(
        f'<label><input type="radio" name="member" value="{one.name}"{" checked" * (one is MEMBERS[0])}> '
        f"{escape(one.display_name)}</label><br>"
        for one in MEMBERS
    )
    ticks = "".join(
        f'<label><input type="checkbox" name="tick" value="{escape(scope)}" checked{" disabled" * (scope in fixed)}> '
        f"{escape(scope)}</label><br>"
        for scope in scopes
    )
    body = (
        f"<h1>{escape(title)}</h1><p><b>{escape(client)}</b> wants to use your account.</p>"
        f'<form method="post">{hidden}<fieldset><legend>You are</legend>{who}</fieldset>'
        f"<fieldset><legend>It may</legend>{ticks or 'see what is public'}</fieldset>"
        '<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p>'
        "</form>"
    )
    return Reply(200, _HEADERS, _PAGE.format(title=escape(title), body=body).encode())


def refusal(title: str, why: str, status: int = 400) -> Reply:
    """For a request that must not be answered with a redirect."""
    body = f"<h1>{escape(title)}</h1><p>This request is not valid: {escape(why)}.</p>"
    return Reply(status, _HEADERS, _PAGE.format(title=escape(title), body=body).encode())
