"""Composition root of stage 5, award."""

from records.attempts import Attempts
from records.stage import Stage
from schemas.events import PointsAwarded, ProjectSaved
from services.awarder.handler import award
from services.awarder.ledger import Ledger
from services.awarder.settings import AwarderSettings


def build(settings: AwarderSettings) -> Stage:
    stage = Stage("awarder", settings)
    ledger = Ledger(stage.db)
    attempts = Attempts(stage.db)

    @stage.on(ProjectSaved, emits=PointsAwarded)
    async def on_project_saved(event: ProjectSaved) -> PointsAwarded | None:
        if await attempts.over(event):  # a failed import earns nothing
            return None
        return await award(event, ledger.enter, settings.points_per_project)

    return stage


def main() -> None:
    build(AwarderSettings()).run()


if __name__ == "__main__":
    main()
