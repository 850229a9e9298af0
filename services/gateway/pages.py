"""Pages of a newest-first list. The cursor is opaque to clients: where the last page ended."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Response

from kit.mongo import Collection, Document
from services.gateway.errors import InvalidRequestError

Limit = Annotated[int, Query(ge=1, le=100, description="Entries per page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next_cursor` of the page before.")]


async def newest_first(
    collection: Collection,
    query: Document,
    *,
    by: str,
    limit: int,
    cursor: str | None,
    without: tuple[str, ...] = (),
) -> tuple[list[Document], str | None]:
    """One page, sorted by the time field `by` and then by id, and the cursor of the next page, if there is one."""
    if cursor:
        at, last_id = decode(cursor)
        query = {"$and": [query, {"$or": [{by: {"$lt": at}}, {by: at, "_id": {"$lt": last_id}}]}]}
    found = collection.find(query, dict.fromkeys(without, 0) or None).sort([(by, -1), ("_id", -1)]).limit(limit + 1)
    records = await found.to_list()
    page = records[:limit]
    return page, encode(page[-1][by], page[-1]["_id"]) if len(records) > limit else None


def link_next(response: Response, path: str, cursor: str | None, *, parameter: str = "cursor", **query: object) -> None:
    """`Link: rel=next` (RFC 8288), with the filters of this page."""
    if cursor:
        given = {name: str(value).lower() for name, value in query.items() if value is not None}
        response.headers["Link"] = f'<{path}?{urlencode({**given, parameter: cursor})}>; rel="next"'


def encode(at: datetime, last_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {last_id.hex}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, _, last_id = raw.decode("ascii").partition(" ")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(hex=last_id)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidRequestError("The cursor is not one of ours.") from error
