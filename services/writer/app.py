"""Composition root of stage 4, persist, and of the projector beside it."""

from datetime import timedelta

from kit.text.service import TextService, workers
from records.attempts import Attempts
from records.stage import Stage
from schemas.events import EVENTS, Event, ProjectDrafted, ProjectSaved, SourceSynced
from services.writer.handler import persist
from services.writer.projector import LEAN_EVENTS, Projector
from services.writer.settings import WriterSettings
from services.writer.store import ProjectStore

# A status may be a tenth of a second late; read one by one, the events of nine topics would cost this process
# several times what persisting costs, and persisting waits meanwhile.
GATHER = timedelta(milliseconds=100)


def build(settings: WriterSettings) -> Stage:
    stage = Stage("writer", settings)
    store = ProjectStore(stage.db)
    attempts = Attempts(stage.db)
    projector = Projector(stage.db)
    pool = workers()
    texts = TextService(pool)
    stage.resources.push_async_callback(pool.aclose)

    @stage.on(ProjectDrafted, SourceSynced, emits=ProjectSaved)
    async def on_event(event: Event) -> ProjectSaved | None:
        return await persist(event, store, attempts, texts)

    @stage.on(*EVENTS, group="projector", stage="projector", events=LEAN_EVENTS, gather=GATHER)
    async def on_any_event(event: Event) -> None:
        await projector(event)

    return stage


def main() -> None:
    build(WriterSettings()).run()


if __name__ == "__main__":
    main()
