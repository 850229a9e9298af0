"""Decides which imports the relay publishes next."""

from datetime import datetime, timedelta

from kit.mongo import Database
from records import import_queue
from records.imports import ImportRecord
from services.scheduler.due import quiet_until, to_release

MEMBERS = 25  # considered in one round


async def stalled(db: Database, now: datetime, after: timedelta, limit: int) -> list[ImportRecord]:
    """Return published imports that made no progress for `after` and wait for no known time.

    An import under way is checked when its `watch_at` has come. One that made progress meanwhile is given a later time,
    so that progress itself writes no second field.
    """
    due = await import_queue.to_watch(db, now, limit)
    if not due:
        return []
    until = {record["_id"]: quiet_until(record, after) for record in due}
    await import_queue.watch_later(db, {one: at if at > now else now + after for one, at in until.items()})
    return [record for record in due if record["released"] and record["published"] and until[record["_id"]] <= now]


async def held(db: Database, per_user: int, limit: int, after: str = "") -> tuple[list[ImportRecord], str]:
    """Return the imports to release next, at most `per_user` in flight for each member (see `to_release`), and the
    member to go on after: in each round the next few members are considered, so that a round costs the same however
    many of them wait. Begins again with the first member after the last one.
    """
    members, following = await import_queue.members_waiting(db, after, MEMBERS)
    in_flight = await import_queue.in_flight(db, members)
    with_room = [user for user in members if in_flight.get(user, 0) < per_user]
    if not with_room:
        return [], following
    of_each = min(per_user, -(-limit // len(with_room)))  # what a round can release, shared out evenly
    waiting = await import_queue.first_waiting(db, with_room, of_each)
    return to_release(waiting, in_flight, per_user)[:limit], following
