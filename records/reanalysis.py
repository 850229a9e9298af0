"""The queries of projects (`projects`) whose analysis is to be tried again, because the model had failed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pymongo import ReturnDocument

from kit.mongo import Database, Document
from records.projects import ProjectRecord, Reanalysis, projects

FIELDS = {"user_id": 1, "url": 1, "platform": 1, "is_showcase": 1, "is_private": 1}


def due(now: datetime, after: timedelta) -> Document:
    """Make the filter: described without the model a while ago, or tried again long enough ago."""
    return {
        "analysis_degraded": True,
        "source_state": "there",
        "url": {"$exists": True},  # else it has no link to import
        "$or": [
            {"reanalysis.due_at": None, "updated_at": {"$lte": now - after}},
            {"reanalysis.due_at": {"$lte": now}},
        ],
    }


async def any_due(db: Database, now: datetime, after: timedelta) -> bool:
    return await projects(db).find_one(due(now, after), {"_id": 1}) is not None


async def claim(
    db: Database, now: datetime, after: timedelta, next_due: Callable[[int], datetime]
) -> ProjectRecord | None:
    """Take the project that has waited longest. `next_due` says, by the number of tries, when it is due again; that is
    stored before the project is imported, so that a crash costs a try."""
    which = due(now, after)
    order = [("reanalysis.due_at", 1), ("updated_at", 1)]
    project = await projects(db).find_one(which, {"reanalysis": 1}, sort=order)
    if project is None:
        return None
    before = project.get("reanalysis")
    tries = (before["tries"] if before else 0) + 1
    return await projects(db).find_one_and_update(
        {**which, "_id": project["_id"]},
        {"$set": {"reanalysis": Reanalysis(tries=tries, due_at=next_due(tries))}},
        projection=FIELDS,
        return_document=ReturnDocument.AFTER,
    )
