"""Bind an OAuth flow, from our start address to the provider and back to the callback, to one browser and ten minutes.

MongoDB holds only hashes of the state and of the browser's secret. The PKCE verifier and the nonce are derived from the
two together, which only that browser brings back.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import structlog
from pydantic import SecretStr
from starlette.responses import Response

from integrations.provider import Purpose
from kit.clock import Clock, utc_now
from kit.errors import ImportProblem
from kit.mongo import Database
from kit.secret import SECRET, digest, new_secret
from records import oauth_flows
from services.gateway.web.metrics import OAUTH_FLOWS
from services.gateway.web.provided import provided

log = structlog.get_logger(__name__)

COOKIE = "__Host-oauth-flow"  # the browser's secret: one for all its flows, so that two tabs may each have one
LIFETIME = timedelta(minutes=10)


class OAuthFlowRefusedError(ImportProblem):
    """Refuse every attack and every expired tab in the same words; the log names the cause."""

    error_code = "OAUTH_STATE_INVALID"
    action = "start_again"
    suggestion = "Go back to the page where you began and start again, in the same browser, within ten minutes."


@dataclass(frozen=True, slots=True)
class OAuthFlow:
    """The facts that the callback may rely on. `user_id` is None if the browser was not signed in."""

    purpose: Purpose
    provider: str
    user_id: str | None
    return_to: str | None
    verifier: SecretStr  # of PKCE (RFC 7636)
    nonce: str  # of OpenID Connect


@dataclass(frozen=True, slots=True)
class StartedFlow:
    flow: OAuthFlow
    state: str
    browser: SecretStr

    def remember(self, response: Response) -> None:
        """Bind the flow to the browser that gets this response."""
        response.set_cookie(
            COOKIE,
            self.browser.get_secret_value(),
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )


class OAuthFlows:
    """`now` is there for tests."""

    def __init__(self, db: Database, *, now: Clock = utc_now) -> None:
        self._db = db
        self._now = now

    async def begin(
        self,
        purpose: Purpose,
        provider: str,
        *,
        browser: str | None,
        user_id: str | None = None,
        in_session: bool = False,
        return_to: str | None = None,
    ) -> StartedFlow:
        """Store a new flow. `browser` is the request's `COOKIE`, if it has one; `return_to` has been checked.

        A flow that begins `in_session` must end in that member's session too.
        """
        secret = browser if browser and SECRET.fullmatch(browser) else new_secret()
        state = new_secret()
        await oauth_flows.insert(
            self._db,
            {
                "_id": digest(state),
                "browser": digest(secret),
                "purpose": purpose,
                "provider": provider,
                "user_id": user_id,
                "in_session": in_session,
                "return_to": return_to,
                "expires_at": self._now() + LIFETIME,
            },
        )
        OAUTH_FLOWS.labels("begun").inc()
        flow = OAuthFlow(purpose, provider, user_id, return_to, *_derived(secret, state))
        return StartedFlow(flow, state, SecretStr(secret))

    async def finish(
        self,
        purposes: Collection[Purpose],
        provider: str,
        *,
        state: str | None,
        browser: str | None,
        caller_id: str | None = None,
    ) -> OAuthFlow:
        """End the flow that `state` names; the state cannot be used again, even if the flow is refused.

        `purposes` and `provider` are those of the callback. `caller_id` is the member who is signed in there.
        Raises `OAuthFlowRefusedError`, also if another member began the flow.
        """
        if not (state and SECRET.fullmatch(state)):
            raise _refused("no state")
        record = await oauth_flows.take(self._db, digest(state))
        if record is None:
            raise _refused("unknown or used state")
        if not browser or not hmac.compare_digest(digest(browser), record["browser"]):
            raise _refused("another browser")
        purpose = Purpose(record["purpose"])
        if purpose not in purposes or record["provider"] != provider:
            raise _refused("another callback")
        if record["expires_at"] <= self._now():
            raise _refused("expired")
        owner = record["user_id"]
        if owner and caller_id != owner and (caller_id or record["in_session"]):
            raise _refused("another member")
        OAUTH_FLOWS.labels("finished").inc()
        return OAuthFlow(purpose, provider, owner, record["return_to"], *_derived(browser, state))


def _derived(browser: str, state: str) -> tuple[SecretStr, str]:
    """Derive the verifier and the nonce, 256 bits each."""

    def derive(label: str) -> str:
        mac = hmac.new(browser.encode(), f"{label} {state}".encode(), hashlib.sha256)
        return urlsafe_b64encode(mac.digest()).decode().rstrip("=")

    return SecretStr(derive("verifier")), derive("nonce")


def _refused(reason: str) -> OAuthFlowRefusedError:
    OAUTH_FLOWS.labels(reason).inc()
    log.info("OAuth flow refused", reason=reason)
    return OAuthFlowRefusedError(
        "The sign-in or connection was not started in this browser, or was started too long ago."
    )


OAuthFlowsDep = Annotated[OAuthFlows, provided(OAuthFlows)]
