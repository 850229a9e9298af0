"""Pages of a newest-first list. The cursor is opaque to clients: where the last page ended."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Response
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor

from kit.mongo import Document, Record
from services.gateway.web.errors import InvalidRequestError

Limit = Annotated[int, Query(ge=1, le=100, description="Entries per page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next_cursor` of the page before.")]


def newest_first(
    collection: AsyncCollection[Record],
    query: Document,
    *,
    by: str,
    limit: int,
    cursor: str | None,
    without: tuple[str, ...] = (),
    id_of: Callable[[UUID], UUID | str] = lambda last_id: last_id,
) -> Awaitable[tuple[list[Record], str | None]]:
    """One page, sorted by the time field `by` and then by id, and the cursor of the next page, if there is one.

    `id_of` makes an id of the collection of a UUID, where ids are kept as text. Raises `InvalidRequestError` for a
    cursor that is none of ours, and does so here, before anybody awaits anything.
    """
    if cursor:
        at, last_uuid = decode(cursor)
        last_id = id_of(last_uuid)
        query = {"$and": [query, {"$or": [{by: {"$lt": at}}, {by: at, "_id": {"$lt": last_id}}]}]}
    found = collection.find(query, dict.fromkeys(without, 0) or None).sort([(by, -1), ("_id", -1)])
    return _page(found, by=by, limit=limit)


async def _page(found: AsyncCursor[Record], *, by: str, limit: int) -> tuple[list[Record], str | None]:
    records = await found.limit(limit + 1).to_list()
    page = records[:limit]
    return page, encode(page[-1][by], UUID(str(page[-1]["_id"]))) if len(records) > limit else None


def link_next(response: Response, path: str, cursor: str | None, *, parameter: str = "cursor", **query: object) -> None:
    """`Link: rel=next` (RFC 8288), with the filters of this page."""
    if cursor:
        # a boolean as the query string of a browser has it; of words the case is kept
        shown = ((name, str(value).lower() if isinstance(value, bool) else value) for name, value in query.items())
        given = {name: value for name, value in shown if value is not None}
        response.headers["Link"] = f'<{path}?{urlencode({**given, parameter: cursor})}>; rel="next"'


def encode(at: datetime, last_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {last_id.hex}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, _, last_id = raw.decode("ascii").partition(" ")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(hex=last_id)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidRequestError("Invalid cursor.") from error
