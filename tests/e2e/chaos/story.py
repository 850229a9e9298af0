"""What members do while everything breaks, and what must have come of it."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

from kit.mongo import Database, Document
from records.imports import TERMINAL, State
from tests.e2e.member import Member, settled
from tests.e2e.stack import Stack

EVERY_NTH_IS_ABSENT = 20
AT_ONCE = 10  # requests of the clients


@dataclass
class Import:
    member: Member
    link: str
    task_id: UUID
    project_id: UUID | None = None  # once it is deleted

    @property
    def absent(self) -> bool:
        return "absent" in self.link


class Story:
    """Links are pasted, some of their projects deleted, and some of those imported again."""

    def __init__(self, stack: Stack, db: Database, members: list[Member], seed: int) -> None:
        self._stack, self._db, self._members = stack, db, members
        self._chance = random.Random(seed)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._numbers = count(int(uuid4().hex[:6], 16))
        self._pasting: set[asyncio.Task[None]] = set()
        self.imports: list[Import] = []

    def __len__(self) -> int:
        return len(self._pasting)

    def paste(self, links: int) -> None:
        """Goes on in the background."""
        for number in (next(self._numbers) for _ in range(links)):
            link = f"https://github.com/load/{number}" if number % 2 else f"https://youtu.be/ld{number:09d}"
            if number % EVERY_NTH_IS_ABSENT == 0:
                link = f"https://github.com/load/absent-{number}"
            self._begin(self._members[number % len(self._members)], link)

    def _begin(self, member: Member, link: str) -> None:
        pasting = asyncio.create_task(self._paste(member, link))
        self._pasting.add(pasting)

    async def _paste(self, member: Member, link: str) -> None:
        async with self._room:
            task_id = await member.paste(link)
        self.imports.append(Import(member, link, UUID(task_id)))

    async def accepted(self) -> None:
        await asyncio.gather(*self._pasting)

    async def flowing(self, ended: int) -> None:
        """Until so many more imports have ended."""
        wanted = await self._ended() + ended
        left = len(self._pasting) - await self._ended()
        while await self._ended() < min(wanted, wanted - ended + left):
            self._stack.check()
            await asyncio.sleep(0.1)

    async def _ended(self) -> int:
        return await self._db.imports.count_documents({"state": {"$in": list(TERMINAL)}})

    async def delete(self, projects: int) -> None:
        """Of those that are finished; half of their links are pasted again."""
        made = {it.task_id: it for it in self.imports if it.project_id is None and not it.absent}
        which = {"_id": {"$in": [*made]}, "state": State.COMPLETED, "result.created": True, "points": 50}
        done = await self._db.imports.find(which, {"result": 1}).to_list()
        for number, record in enumerate(self._chance.sample(done, min(projects, len(done)))):
            one = made[record["_id"]]
            one.project_id = record["result"]["project_id"]
            await one.member.delete(f"/projects/{one.project_id}/")
            if number % 2:
                self._begin(one.member, one.link)

    async def end(self) -> None:
        await self.accepted()
        await settled(self._stack, self._db)

    async def verify(self) -> Document:
        """I1 to I3, by what MongoDB holds and what members are told. What there is, for a comparison."""
        records = {it["_id"]: it async for it in self._db.imports.find()}
        assert {it.task_id for it in self.imports} == records.keys(), "an accepted request is one import"
        told = Counter((it.absent, records[it.task_id]["state"], _code(records[it.task_id])) for it in self.imports)
        absent = sum(it.absent for it in self.imports)
        assert told == Counter(
            {(True, "failed", "CONTENT_NOT_FOUND"): absent, (False, "completed", None): len(self.imports) - absent}
        ), told

        deleted = {it.project_id for it in self.imports if it.project_id}
        again = {(it.member.user_id, it.link) for it in self.imports if not it.project_id and not it.absent}
        made_again = {it.project_id for it in self.imports if it.project_id and (it.member.user_id, it.link) in again}
        projects = {it["_id"]: it async for it in self._db.projects.find({}, {"content": 0})}
        assert not (deleted - made_again) & projects.keys(), "what was deleted came back"
        assert made_again <= projects.keys(), "what was imported again is there"
        wanted = {records[it.task_id]["result"]["project_id"] for it in self.imports if not it.absent} - deleted
        assert projects.keys() == wanted | made_again
        one_each = Counter((it["user_id"], it["url"]) for it in projects.values())
        assert max(one_each.values()) == 1
        makers = {it["created_by"] for it in projects.values()}
        assert all(records[maker]["state"] == State.COMPLETED for maker in makers), "no orphans"

        points = await self._db.points.find().sort("_id").to_list()
        assert Counter(it["project_id"] for it in points) == Counter(projects.keys() | deleted)
        assert {it["points"] for it in points} == {50}
        assert sum(it.get("points") or 0 for it in records.values()) == 50 * len(points), "nobody is told otherwise"
        return {"imports": records, "projects": projects, "points": points}


def _code(record: Document) -> str | None:
    return (record.get("error") or {}).get("error_code")
