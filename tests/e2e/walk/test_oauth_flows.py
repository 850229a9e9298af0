"""An OAuth flow's end: when, where and for whom."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from integrations.provider import Purpose
from kit.mongo import Database
from kit.secret import SECRET
from services.gateway.auth.oauth_flow import LIFETIME, OAuthFlow, OAuthFlowRefusedError, OAuthFlows
from tests.databases import made

START = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


async def finished(db: Database, *, after: timedelta = timedelta(), purpose: Purpose = Purpose.SIGN_IN) -> OAuthFlow:
    """A sign-in that comes back after so long, to the callback of this purpose."""
    begun = await OAuthFlows(db, now=lambda: START).begin(Purpose.SIGN_IN, "google", browser=None)
    later = OAuthFlows(db, now=lambda: START + after)
    flow = await later.finish((purpose,), "google", state=begun.state, browser=begun.browser.get_secret_value())
    assert flow == begun.flow
    return flow


async def test_a_flow_ends_as_it_began_within_its_time(db: Database) -> None:
    flow = await finished(db, after=LIFETIME - timedelta(seconds=1))
    assert (flow.purpose, flow.provider, flow.user_id) == (Purpose.SIGN_IN, "google", None)
    assert SECRET.fullmatch(flow.verifier.get_secret_value())
    assert flow.nonce != flow.verifier.get_secret_value()


async def test_after_its_time_it_is_refused(db: Database) -> None:
    with pytest.raises(OAuthFlowRefusedError):
        await finished(db, after=LIFETIME)


async def test_a_sign_in_does_not_end_at_the_callback_of_a_connection(db: Database) -> None:
    with pytest.raises(OAuthFlowRefusedError):
        await finished(db, purpose=Purpose.CONNECT)


async def test_a_browser_keeps_its_secret_and_each_flow_has_a_verifier_of_its_own(db: Database) -> None:
    flows = OAuthFlows(db, now=lambda: START)
    first = await flows.begin(Purpose.CONNECT, "github", browser="planted by somebody", user_id="u")
    kept = first.browser.get_secret_value()
    second = await flows.begin(Purpose.CONNECT, "github", browser=kept, user_id="u")
    assert SECRET.fullmatch(kept), "only a secret of our own making is kept"
    assert second.browser == first.browser
    assert len({first.flow.verifier.get_secret_value(), second.flow.verifier.get_secret_value()}) == 2


async def test_unfinished_flows_are_swept_away(db: Database) -> None:
    indexes = await db.walks.index_information()
    assert indexes["expired"]["expireAfterSeconds"] == 0
