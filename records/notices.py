"""What a member has to know or do (`notices`): of a source, or of a connection that needs consent."""

from datetime import datetime
from typing import TypedDict

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, collection


class NoticeRecord(TypedDict):
    _id: str  # derived from the subject, so that it has one notice at a time
    user_id: str
    kind: str
    provider: str
    text: str
    action: str
    created_at: datetime


def notices(db: Database) -> AsyncCollection[NoticeRecord]:
    return collection(db, "notices", NoticeRecord)


async def tell(
    db: Database, notice_id: str, *, user_id: str, kind: str, provider: str, text: str, action: str, now: datetime
) -> None:
    """Store the notice, or change its words. It keeps its age while its kind stays the same."""
    await notices(db).delete_one({"_id": notice_id, "kind": {"$ne": kind}})
    fields = {"user_id": user_id, "kind": kind, "provider": provider, "text": text, "action": action}
    await notices(db).update_one({"_id": notice_id}, {"$set": fields, "$setOnInsert": {"created_at": now}}, upsert=True)


async def withdraw(db: Database, notice_id: str) -> None:
    await notices(db).delete_one({"_id": notice_id})


INDEXES = [
    IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)], name="by_user"),
    IndexModel([("created_at", ASCENDING)], name="old", expireAfterSeconds=0),
]
