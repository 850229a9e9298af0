"""The envelope around lists, and the parts that are asked for."""

import hashlib
from typing import Any

from sandbox.exchange import Call, Reply, dump
from sandbox.upstreams.youtube import errors

MAX_IDS = 50


def parts(call: Call, known: frozenset[str]) -> frozenset[str] | Reply:
    asked = frozenset(part for part in call.query.get("part", "").replace(" ", "").split(",") if part)
    if not asked:
        return errors.missing_parameter("Required parameter: part", "part")
    if unknown := asked - known:
        return errors.unknown_part(min(unknown))
    return asked


def ids(call: Call) -> list[str] | Reply:
    """Each once, in the order asked."""
    asked = [one for one in call.query.get("id", "").split(",") if one]
    if not asked:
        return errors.missing_parameter("No filter selected. Expected one of: id, chart, myRating", "")
    return list(dict.fromkeys(asked)) if len(asked) <= MAX_IDS else errors.too_many_ids()


def listed(kind: str, items: list[bytes], call: Call, **more: Any) -> Reply:
    """200 around items that are JSON already, or 304 where If-None-Match holds the list's ETag."""
    body, rest = b",".join(items), dump(more)[1:-1] if more else b""
    etag = hashlib.sha256(body + rest).hexdigest()[:27]
    headers = errors.JSON | {"ETag": f'"{etag}"'}
    if f'"{etag}"' in call.headers.get("If-None-Match", ""):
        return Reply(304, headers, b"")
    head = b'{"kind":"%b","etag":"%b","items":[' % (kind.encode(), etag.encode())
    return Reply(200, headers, head + body + b"]" + (b"," + rest if rest else b"") + b"}")


def page_info(total: int, per_page: int | None = None) -> dict[str, int]:
    return {"totalResults": total, "resultsPerPage": total if per_page is None else per_page}


def tagged(item: bytes) -> bytes:
    """With an ETag of its own in the place that was left for it."""
    etag = hashlib.sha256(item).hexdigest()[:27].encode()
    return item.replace(b'"etag":""', b'"etag":"%b"' % etag, 1)
