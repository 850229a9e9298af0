"""Many links in one request: each becomes an import of its own, and one parent task sums them up.

A parent (`batches`) names its children's ids and why the other links were refused. It has no state of its own, so it
can never disagree with its children: whoever asks reads those.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from pymongo.errors import DuplicateKeyError

from kit.errors import ImportDuplicateError, ImportProblem
from kit.mongo import Collection, Database, Document
from records import batches
from records.batches import BatchRecord
from records.sources.record import Frequency
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.imports.idempotency import claim_key, find_previous, keys, releasing_key
from services.gateway.imports.service import Imports, NewImport
from services.gateway.web.errors import MemberLimitError
from services.gateway.web.provided import provided


@dataclass(frozen=True, slots=True)
class NewBatch:
    """`recognise` makes the import that a link stands for; it raises `ImportProblem`."""

    caller: Caller
    integration: str
    urls: Sequence[str]
    options: Options
    recognise: Callable[[str], NewImport]
    idempotency_key: str | None = None
    auto_sync: Frequency | None = None

    @property
    def fingerprint(self) -> str:
        asked = f"{json.dumps(list(self.urls))} {self.options.model_dump_json()} {self.auto_sync or ''}".rstrip()
        return hashlib.sha256(asked.encode()).hexdigest()


class Batches:
    def __init__(self, db: Database, imports: Imports) -> None:
        self._db = db
        self._batches: Collection = db["batches"]
        self._records: Collection = db["imports"]
        self._imports = imports

    async def accept(self, new: NewBatch) -> Document:
        """The parent's record: `children` are `{url, task_id}`, `refused` are error bodies with their `url`.

        Children are stored before their parent: a request that is cut off between the two is sent again and finds
        them under way. Raises `IdempotencyConflictError`, `MemberLimitError` where the limit allows none of the links,
        and PyMongo's errors.
        """
        async with releasing_key(self._db, new):
            return await self._accept(new)

    async def _accept(self, new: NewBatch) -> Document:
        if earlier := await claim_key(self._db, new):
            return earlier
        seen: set[str] = set()
        outcomes = await asyncio.gather(*(self._child(new, url, seen) for url in new.urls))
        refused = [(url, it) for url, it in zip(new.urls, outcomes, strict=True) if isinstance(it, ImportProblem)]
        limited = [problem for _, problem in refused if isinstance(problem, MemberLimitError)]
        if len(limited) == len(outcomes):
            raise limited[0]
        record: Document = {
            "_id": uuid4(),
            "user_id": new.caller.user_id,
            "integration": new.integration,
            "children": [outcome for outcome in outcomes if not isinstance(outcome, ImportProblem)],
            "refused": [{"url": url, **problem.body()} for url, problem in refused],
            "created_at": datetime.now(UTC),
            **keys(new),
        }
        try:
            await self._batches.insert_one(record)
        except DuplicateKeyError:  # the same request, twice at this very moment
            return await find_previous(self._db, new) or record
        return record

    async def wanted(self, new: NewBatch) -> set[str]:
        """The canonical links among those of the request that stand for something, but for those imported before."""
        links = set()
        for url in new.urls:
            with suppress(ImportProblem):
                links.add(new.recognise(url).url)
        before = {"user_id": new.caller.user_id, "url": {"$in": list(links)}}
        return links - set(await self._db["projects"].distinct("url", before))

    async def find(self, user_id: str, batch_id: UUID) -> BatchRecord | None:
        return await batches.find(self._db, batch_id, user_id)

    async def children(self, batch: BatchRecord) -> list[Document]:
        """The records of those that are there, in the order of the request; only the member's own, whoever named
        the children."""
        hers = {"_id": {"$in": child_ids(batch)}, "user_id": batch["user_id"]}
        found = {record["_id"]: record async for record in self._records.find(hers)}
        return [found[task_id] for task_id in child_ids(batch) if task_id in found]

    async def _child(self, new: NewBatch, url: str, seen: set[str]) -> Document | ImportProblem:
        try:
            one = new.recognise(url)
            if one.url in seen:
                raise ImportDuplicateError(
                    "This link is in your list more than once.", action="none", suggestion="It is imported once."
                )
            seen.add(one.url)
            record = await self._imports.accept(one)
        except ImportProblem as problem:
            return problem
        return {"url": one.url, "task_id": record["_id"]}


def child_ids(batch: BatchRecord) -> list[UUID]:
    return [child["task_id"] for child in batch["children"]]


BatchesDep = Annotated[Batches, provided(Batches)]
