"""Composition root of stage 2, AI-analyse."""

from kit.workers.pool import WorkerPool
from records.analyses import AnalysisMemory
from records.attempts import Attempts
from records.stage import Stage
from schemas.events import ContentAnalyzed, ContentFetched
from services.analyzer.handler import Analyst, analyze
from services.analyzer.model import Model
from services.analyzer.own_words import OwnWords
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.spend import Spend


def build(settings: AnalyzerSettings) -> Stage:
    stage = Stage("analyzer", settings)
    spend = Spend(stage.db, settings)
    stage.resources.push_async_callback(spend.settle)
    model = Model(settings, spend, stage.resources) if settings.openai_api_key else None
    attempts = Attempts(stage.db)
    pool = WorkerPool("services.analyzer.tasks")
    stage.resources.push_async_callback(pool.aclose)
    analyst = Analyst(model, AnalysisMemory(stage.db), OwnWords(pool))

    @stage.on(ContentFetched, emits=ContentAnalyzed)
    async def on_content_fetched(event: ContentFetched) -> ContentAnalyzed | None:
        if await attempts.over(event):
            return None
        return await analyze(event, analyst)

    return stage


def main() -> None:
    build(AnalyzerSettings()).run()


if __name__ == "__main__":
    main()
