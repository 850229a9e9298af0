"""Stage 2: a fetched item gets its description, technologies and type."""

import asyncio
from typing import Protocol

import structlog
from prometheus_client import Counter

from kit.errors import AnalysisFailedError
from schemas.content import Analysis, Item
from schemas.events import ContentAnalyzed, ContentFetched
from services.analyzer.own_words import OwnWords
from services.analyzer.prompt import content_hash
from services.analyzer.spend import SpendCapError

log = structlog.get_logger()

ANALYSES = Counter("thrive_analyses", "Analyses by source: model, memory, extractive, degraded", ["source"])


class AnalysingModel(Protocol):
    name: str

    async def analyse(self, user_id: str, item: Item) -> Analysis: ...


class Memory(Protocol):
    async def get(self, item: str, /) -> Analysis | None: ...
    async def put(self, content_hash: str, analysis: Analysis) -> None: ...


class Analyst:
    """Decides where an analysis comes from: memory, model, or the item's own words."""

    def __init__(self, model: AnalysingModel | None, memory: Memory, own_words: OwnWords | None = None) -> None:
        self._model = model
        self._own_words = own_words or OwnWords()
        self._memory = memory
        self._under_way: dict[str, asyncio.Task[Analysis | None]] = {}

    async def analyse(self, user_id: str, item: Item) -> Analysis:
        """Never fails for what a model does or costs; only for a store that is away."""
        if self._model is None:
            ANALYSES.labels("extractive").inc()
            return await self._own_words(item)
        key = content_hash(item, self._model.name)
        # Two imports of the same content at the same time are one call, and share its failure too.
        while True:
            theirs = self._under_way.get(key)
            try:
                found = await asyncio.shield(theirs or self._start(self._model, key, user_id, item))
            except SpendCapError:
                if theirs:  # who asked first cannot pay for it, but this member may
                    continue
                ANALYSES.labels("capped").inc()
                return await self._own_words(item)
            # The model's fault, not the item's: the scheduler has it tried again later.
            return found or (await self._own_words(item)).model_copy(update={"degraded": True})

    def _start(self, model: AnalysingModel, key: str, user_id: str, item: Item) -> "asyncio.Task[Analysis | None]":
        finding = self._under_way[key] = asyncio.create_task(self._find(model, key, user_id, item))
        finding.add_done_callback(lambda _: self._under_way.pop(key))
        # Who waited for it may all be gone, and with them whoever would ask how it failed.
        finding.add_done_callback(lambda done: done.cancelled() or done.exception())
        return finding

    async def _find(self, model: AnalysingModel, key: str, user_id: str, item: Item) -> Analysis | None:
        if (known := await self._memory.get(key)) is not None:
            ANALYSES.labels("memory").inc()
            return known
        try:
            analysis = await model.analyse(user_id, item)
        except AnalysisFailedError as error:
            # Not remembered: the next import or sync of this content may have more luck.
            log.warning("model failed; using the extractive analysis", reason=error.error)
            ANALYSES.labels("degraded").inc()
            return None
        # Remembered before it is published: a crash in between costs a look-up, not a second call.
        await self._memory.put(key, analysis)
        ANALYSES.labels("model").inc()
        return analysis


async def analyze(event: ContentFetched, analyst: Analyst) -> ContentAnalyzed:
    analysis = await analyst.analyse(event.user_id, event.item)
    return ContentAnalyzed(
        **event.lineage(ContentAnalyzed),
        item=event.item,
        analysis=analysis,
        options=event.options,
    )
