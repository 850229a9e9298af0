"""The memory of consumer groups on a real MongoDB."""

from aiokafka import TopicPartition

from records.consumer_groups import KnownGroups
from tests.databases import made

ONE, TWO = TopicPartition("numbered", 0), TopicPartition("numbered", 1)


async def test_a_partition_is_new_to_a_group_once(mongodb: str, database: str) -> None:
    async with made(mongodb, database) as db:
        groups = KnownGroups(db)
        assert await groups.has_read("fetcher", [ONE]) == []
        assert await groups.has_read("fetcher", [ONE, TWO]) == [ONE]
        assert set(await groups.has_read("fetcher", [ONE, TWO])) == {ONE, TWO}
        assert await groups.has_read("writer", [ONE]) == []
        assert await db.consumer_groups.count_documents({}) == 2
