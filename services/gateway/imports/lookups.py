"""What is known before an import is stored: whether its project exists, and how busy its member is.

Requests that arrive together are answered together, with one query of each kind: at hundreds of requests a second
the driver's cost per query is most of what accepting one costs.
"""

import asyncio
from typing import NamedTuple

from kit.microbatch import MicroBatcher
from kit.mongo import Collection, Database, Document
from records.imports import IN_FLIGHT


class Question(NamedTuple):
    user_id: str
    url: str  # canonical


class Known(NamedTuple):
    project: Document | None  # _id, slug
    in_flight: int  # the member's released and unfinished imports, but for those of syncs


class Lookups:
    def __init__(self, db: Database) -> None:
        self._imports: Collection = db["imports"]
        self._projects: Collection = db["projects"]
        self._ask: MicroBatcher[Question, Known] = MicroBatcher(self._answer)

    async def __call__(self, user_id: str, url: str) -> Known:
        return await self._ask(Question(user_id, url))

    async def _answer(self, questions: list[Question]) -> list[Known | Exception]:
        projects, in_flight = await asyncio.gather(self._existing(questions), self._in_flight(questions))
        return [Known(projects.get(one), in_flight.get(one.user_id, 0)) for one in questions]

    async def _existing(self, questions: list[Question]) -> dict[Question, Document]:
        any_of = [{"user_id": user_id, "url": url} for user_id, url in set(questions)]
        found = self._projects.find({"$or": any_of}, {"user_id": 1, "url": 1, "slug": 1})
        return {Question(one["user_id"], one["url"]): one async for one in found}

    async def _in_flight(self, questions: list[Question]) -> dict[str, int]:
        users = list({one.user_id for one in questions})
        counts = await self._imports.aggregate(
            [
                {"$match": {**IN_FLIGHT, "user_id": {"$in": users}}},
                {"$group": {"_id": "$user_id", "count": {"$sum": 1}}},
            ]
        )
        return {row["_id"]: row["count"] async for row in counts}
