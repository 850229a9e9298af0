"""Stage 5: award the owner of a new project points, once."""

from collections.abc import Awaitable, Callable

from schemas.events import PointsAwarded, ProjectSaved

REASON = "project_create"


async def award(
    event: ProjectSaved, enter: Callable[[PointsAwarded], Awaitable[int]], points: int
) -> PointsAwarded | None:
    """Award points for a new project. None for a refreshed project, which earns nothing; a project that was deleted and
    imported again earns 0."""
    if not event.created:
        return None
    awarded = PointsAwarded(
        **event.lineage(PointsAwarded),
        project_id=event.project_id,
        slug=event.slug,
        points=points,
        reason=REASON,
    )
    return awarded.model_copy(update={"points": await enter(awarded)})
