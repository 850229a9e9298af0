"""Finished analyses by content hash (`analyses`), so that no content is paid for twice."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from pymongo import WriteConcern

from kit.microbatch import MicroBatcher
from kit.mongo import Database, collection, each_written
from schemas.content import Analysis


class AnalysisRecord(TypedDict):
    """The fields of `schemas.content.Analysis` as JSON has them, and these."""

    _id: str  # the content hash
    created_at: datetime


class AnalysisMemory:
    def __init__(self, db: Database) -> None:
        # Not waiting for the journal, which would add to every import: what a crash of MongoDB loses, a tenth of a
        # second's, is only asked of the model again.
        write_concern = WriteConcern(w=1, j=False)
        self._analyses = collection(db, "analyses", AnalysisRecord).with_options(write_concern=write_concern)
        self._batched_get: MicroBatcher[str, Analysis | None] = MicroBatcher(self._get_many)
        self._batched_put: MicroBatcher[tuple[str, Analysis], None] = MicroBatcher(self._put_many)

    async def get(self, content_hash: str) -> Analysis | None:
        """Return the finished analysis of this content."""
        return await self._batched_get(content_hash)

    async def put(self, content_hash: str, analysis: Analysis) -> None:
        """Store an analysis; it outlives this process on return. The first one of a hash stays."""
        await self._batched_put((content_hash, analysis))

    async def _get_many(self, hashes: list[str]) -> list[Analysis | Exception | None]:
        records = self._analyses.find({"_id": {"$in": list(set(hashes))}})
        found = {record["_id"]: Analysis.model_validate(record) async for record in records}
        return [found.get(content_hash) for content_hash in hashes]

    async def _put_many(self, entries: list[tuple[str, Analysis]]) -> list[Exception | None]:
        records = [_record(content_hash, analysis) for content_hash, analysis in entries]
        return await each_written(self._analyses.insert_many(records, ordered=False), len(records))


def _record(content_hash: str, analysis: Analysis) -> AnalysisRecord:
    fields: Mapping[str, Any] = analysis.model_dump(mode="json")
    return cast("AnalysisRecord", {**fields, "_id": content_hash, "created_at": datetime.now(UTC)})
