"""OAuth flows under way (`walks`). The state and the browser's secret are stored only as hashes."""

from datetime import datetime
from typing import TypedDict

from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, collection


class OAuthFlowRecord(TypedDict):
    _id: str  # the state's hash
    browser: str  # the hash of its secret
    purpose: str
    provider: str
    user_id: str | None  # of the member who began it
    in_session: bool  # whether it must end in that member's session
    return_to: str | None
    expires_at: datetime


def _flows(db: Database) -> AsyncCollection[OAuthFlowRecord]:
    return collection(db, "walks", OAuthFlowRecord)


async def insert(db: Database, flow: OAuthFlowRecord) -> None:
    await _flows(db).insert_one(flow)


async def take(db: Database, flow_id: str) -> OAuthFlowRecord | None:
    """Delete the flow and return it."""
    return await _flows(db).find_one_and_delete({"_id": flow_id})
