"""Stage 5: a new project earns its owner points, once."""

from collections.abc import Awaitable, Callable

from schemas.events import PointsAwarded, ProjectSaved

REASON = "project_create"


async def award(
    event: ProjectSaved, enter: Callable[[PointsAwarded], Awaitable[int]], points: int
) -> PointsAwarded | None:
    """None for a project that was there before: refreshing earns nothing. One that was deleted and imported again is
    told to earn nothing more.
    """
    if not event.created:
        return None
    awarded = PointsAwarded(
        id=event.child_id(PointsAwarded),
        import_id=event.import_id,
        user_id=event.user_id,
        url=event.url,
        project_id=event.project_id,
        slug=event.slug,
        points=points,
        reason=REASON,
    )
    return awarded.model_copy(update={"points": await enter(awarded)})
