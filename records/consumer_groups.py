"""Which partitions each consumer group has read, remembered outside Kafka: a group that Kafka knows no offset of is a
new one, or one that lost it, and only the second is an operator's business.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from aiokafka import TopicPartition
from pymongo import ReturnDocument

from kit.mongo import Database


class KnownGroups:
    """A document for each group; it grows with the topics and no further."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def has_read(self, group: str, tps: Collection[TopicPartition]) -> list[TopicPartition]:
        """Those that were asked about before; from now on all of them are. Raises PyMongoError."""
        names = {f"{tp.topic}/{tp.partition}": tp for tp in tps}
        before = await self._db.consumer_groups.find_one_and_update(
            {"_id": group},
            {"$addToSet": {"partitions": {"$each": sorted(names)}}, "$setOnInsert": {"since": datetime.now(UTC)}},
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        return [names[name] for name in (before or {}).get("partitions", []) if name in names]
