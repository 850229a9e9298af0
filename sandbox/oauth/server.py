"""The steps that all providers share: authorize, and hand out tokens. How they word their answers is their own."""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.data.members import member
from sandbox.exchange import Call, Reply
from sandbox.oauth import page
from sandbox.oauth.consent import Consent, Consents
from sandbox.oauth.grants import Grants, Issued
from sandbox.oauth.model import Reason, RefusedError, Rules

_SEPARATORS = re.compile(r"[\s,]+")
_OURS = frozenset({"member", "tick", "decision"})  # fields of the page's form
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class AuthorizationServer:
    def __init__(self, rules: Rules, grants: Grants, consents: Consents) -> None:
        self.rules = rules
        self.grants = grants
        self._consents = consents

    def authorize(self, call: Call) -> Reply:
        """The page, or the redirect back where the member has decided (POST) or decides by itself (`Consents`)."""
        rules = self.rules
        form = parse_qs(call.body.decode(errors="replace")) if call.method == "POST" else {}
        asked = {name: values[0] for name, values in form.items() if name not in _OURS} or dict(call.query)
        scopes = tuple(scope for scope in _SEPARATORS.split(asked.get("scope", "")) if scope)
        try:
            self._check(asked)
        except RefusedError as refused:
            return page.refusal(rules.title, refused.reason)
        if form:
            ticked = {*form.get("tick", ()), *rules.always_granted}
            consent = Consent(
                form.get("member", [""])[0],
                deny=form.get("decision") != ["allow"],
                without=tuple(scope for scope in scopes if scope not in ticked),
            )
            return self._decided(call, asked, scopes, consent)
        if by_itself := self._consents.of(rules.provider):
            return self._decided(call, asked, scopes, by_itself)
        return page.consent(rules.title, rules.client.id, asked, scopes, rules.always_granted)

    def token(self, call: Call, kind: str = "") -> Issued:
        """For a code or a refresh token; `kind` where the address says which of them.

        Raises `RefusedError`. The client proves itself by HTTP Basic or in the form.
        """
        form = form_of(call)
        self.authenticate(call)
        match kind or form.get("grant_type", "authorization_code"):
            case "authorization_code":
                redirect, verifier = form.get("redirect_uri", ""), form.get("code_verifier", "")
                return self.grants.redeem(self.rules, form.get("code", ""), redirect, verifier)
            case "refresh_token" if self.rules.new_refresh:
                return self.grants.refresh(self.rules, form.get("refresh_token", ""))
        raise RefusedError(Reason.GRANT_TYPE)

    def authenticate(self, call: Call) -> None:
        """Raises `RefusedError` where the request is not the client's."""
        form, client = form_of(call), self.rules.client
        given = basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
        if given != (client.id, client.secret):
            raise RefusedError(Reason.CLIENT)

    def _check(self, asked: Mapping[str, str]) -> None:
        """Raises `RefusedError`. Any redirect to this machine counts as registered."""
        if asked.get("client_id") != self.rules.client.id:
            raise RefusedError(Reason.CLIENT)
        if urlsplit(asked.get("redirect_uri", "")).hostname not in _LOOPBACK:
            raise RefusedError(Reason.REDIRECT)
        if asked.get("response_type", "code") != "code":
            raise RefusedError(Reason.RESPONSE_TYPE)
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            raise RefusedError(Reason.CHALLENGE)

    def _decided(self, call: Call, asked: Mapping[str, str], scopes: tuple[str, ...], consent: Consent) -> Reply:
        rules = self.rules
        state = {"state": asked["state"]} if "state" in asked else {}
        if consent.deny:
            return _redirect(asked["redirect_uri"], {**rules.denied, **state, **rules.says_who(call)})
        try:
            who = member(consent.member)
        except ValueError as error:
            return page.refusal(rules.title, str(error))
        kept = tuple(one for one in scopes if one not in consent.without or one in rules.always_granted)
        offline = rules.offline_by_default or (
            asked.get("access_type") == "offline"
            and ("consent" in asked.get("prompt", "") or not self.grants.allowed_before(rules, who))
        )
        code = self.grants.allow(
            rules,
            who,
            rules.granted(kept),
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", ""),
            nonce=asked.get("nonce", ""),
            offline=offline,
        )
        return _redirect(asked["redirect_uri"], {"code": code, **state, **rules.says_who(call)})


def form_of(call: Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}


def basic(call: Call) -> tuple[str, str] | None:
    """Id and secret of HTTP Basic; None where the request has none."""
    scheme, _, credential = call.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return client_id, secret


def _redirect(target: str, parameters: Mapping[str, str]) -> Reply:
    joint = "&" if "?" in target else "?"
    location = f"{target}{joint}{urlencode(parameters)}"
    return Reply(302, {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}, b"")
