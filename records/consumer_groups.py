"""The partitions that each consumer group has read (`consumer_groups`), remembered outside Kafka.

A group without a committed offset in Kafka is new, or has lost it. Only the second is an operator's business.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TypedDict

from aiokafka import TopicPartition
from pymongo import ReturnDocument

from kit.mongo import Database, collection


class GroupRecord(TypedDict):
    _id: str  # the group's name
    partitions: list[str]  # topic/partition
    since: datetime


class KnownGroups:
    """Remembers the partitions in a document for each group, which grows with the topics and no further."""

    def __init__(self, db: Database) -> None:
        self._groups = collection(db, "consumer_groups", GroupRecord)

    async def has_read(self, group: str, tps: Collection[TopicPartition]) -> list[TopicPartition]:
        """Return those of these partitions that the group was asked about before, and remember all of them.

        Raises PyMongoError.
        """
        names = {f"{tp.topic}/{tp.partition}": tp for tp in tps}
        before = await self._groups.find_one_and_update(
            {"_id": group},
            {"$addToSet": {"partitions": {"$each": sorted(names)}}, "$setOnInsert": {"since": datetime.now(UTC)}},
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        return [names[name] for name in (before["partitions"] if before else []) if name in names]
