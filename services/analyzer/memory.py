"""Finished analyses by content hash, in MongoDB (`analyses`), so that no content is paid for twice."""

from datetime import UTC, datetime

from pymongo import WriteConcern

from kit.microbatch import MicroBatcher
from kit.mongo import Database, each_written
from schemas.content import Analysis


class AnalysisMemory:
    def __init__(self, db: Database) -> None:
        # Not waiting for the journal, which would add to every import: it must outlive this process, and what a crash
        # of MongoDB takes with it, a tenth of a second's, is only asked of the model again.
        self._analyses = db.analyses.with_options(write_concern=WriteConcern(w=1, j=False))
        self.get: MicroBatcher[str, Analysis | None] = MicroBatcher(self._get_many)
        self._put: MicroBatcher[tuple[str, Analysis], None] = MicroBatcher(self._put_many)

    async def put(self, content_hash: str, analysis: Analysis) -> None:
        """Outlives this process on return; the first answer for a hash stays."""
        await self._put((content_hash, analysis))

    async def _get_many(self, hashes: list[str]) -> list[Analysis | Exception | None]:
        found = {
            document["_id"]: Analysis.model_validate(document)
            async for document in self._analyses.find({"_id": {"$in": list(set(hashes))}})
        }
        return [found.get(content_hash) for content_hash in hashes]

    async def _put_many(self, entries: list[tuple[str, Analysis]]) -> list[Exception | None]:
        now = datetime.now(UTC)
        documents = [{"_id": key, **found.model_dump(mode="json"), "created_at": now} for key, found in entries]
        return await each_written(self._analyses.insert_many(documents, ordered=False), len(documents))
