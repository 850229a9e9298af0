"""Cache upstream responses in MongoDB (`snapshots`), for conditional requests and for one request per link that many
members follow.

A response belongs to an audience: the public, for what was read with the application's own credential, or one member's
account at a provider. Neither it nor its validator is ever used for another audience.
"""

import asyncio
import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from weakref import WeakValueDictionary

import httpx2
from bson.binary import Binary
from pymongo import WriteConcern

from kit.errors import UpstreamUnavailableError
from kit.http import Response
from kit.mongo import Database, Document
from kit.upstream import Ask, Upstream

PUBLIC = "public"
MAX_BYTES = 4 * 1024 * 1024  # compressed; what is larger is asked for anew every time
THREAD_FROM_BYTES = 64 * 1024  # a body beyond this is packed beside the event loop
VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}
KEPT = (*VALIDATORS, "link")  # headers that integrations read


class SingleFlight(asyncio.Lock):
    """A lock per URL: concurrent syncs share one request. After a failure, those that waited fail at once."""

    unavailable: str | None = None  # why the last request failed


class ResponseCache:
    """One for each process, over the store that all share."""

    def __init__(self, db: Database, http: Upstream) -> None:
        # Without waiting for the journal: a lost response costs one request.
        self._store = db.snapshots.with_options(write_concern=WriteConcern(w=1, j=False))
        self._http = http
        self._turns: WeakValueDictionary[str, SingleFlight] = WeakValueDictionary()

    def view(self, audience: str, spent: Counter[str], not_before: datetime | None = None) -> "CacheView":
        """Return a view for one sync. Adds the units of its requests to `spent`, by bucket. A response read after
        `not_before` is used without a request."""
        return CacheView(self, audience, self._http, spent, not_before)

    def turn(self, key: str) -> SingleFlight:
        return self._turns.setdefault(key, SingleFlight())

    async def find(self, key: str) -> Document | None:
        return await self._store.find_one({"_id": key})

    async def keep(self, key: str, audience: str, response: Response, now: datetime) -> None:
        body = response.body
        packed = await asyncio.to_thread(zlib.compress, body) if len(body) > THREAD_FROM_BYTES else zlib.compress(body)
        if len(packed) > MAX_BYTES:
            await self._store.delete_one({"_id": key})
            return
        document = {"audience": audience, "headers": _kept(response), "body": Binary(packed), "read_at": now}
        await self._store.replace_one({"_id": key}, document, upsert=True)

    async def freshen(self, known: Document, response: Response, now: datetime) -> Document:
        """Renew a response that is still valid; a 304 may bring newer headers (RFC 9111, 4.3.4)."""
        changes = {"headers": known["headers"] | _kept(response), "read_at": now}
        await self._store.update_one({"_id": known["_id"]}, {"$set": changes})
        return known | changes


class CacheView:
    """The responses of one audience: `http` makes the requests."""

    def __init__(
        self, cache: ResponseCache, audience: str, http: Upstream, spent: Counter[str], not_before: datetime | None
    ) -> None:
        self.http = http.remembering(self, spent)
        self.seen_at = http.now()  # of the oldest response
        self._cache = cache
        self._audience = audience
        self._not_before = not_before

    async def answer(self, url: str, accept: str, ask: Ask) -> Response:
        key = hashlib.sha256(f"{self._audience}\n{accept}\n{url}".encode()).hexdigest()
        turn = self._cache.turn(key)
        behind = turn.locked()
        async with turn:
            if behind and turn.unavailable is not None:
                raise UpstreamUnavailableError(turn.unavailable)
            turn.unavailable = None
            now = self.http.now()
            known = await self._cache.find(key)
            if known and self._not_before and known["read_at"] > self._not_before:
                self.seen_at = min(self.seen_at, known["read_at"])
                return await _response(known)
            try:
                response = await ask(_validators(known["headers"] if known else {}))
            except UpstreamUnavailableError as problem:
                turn.unavailable = problem.error
                raise
            if response.status == 304 and known:
                return await _response(await self._cache.freshen(known, response, now))
            if response.status == 200:
                await self._cache.keep(key, self._audience, response, now)
            return response


def _kept(response: Response) -> dict[str, str]:
    return {name: response.headers[name] for name in KEPT if name in response.headers}


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    return {sent: headers[name] for name, sent in VALIDATORS.items() if name in headers}


async def _response(known: Document) -> Response:
    packed = known["body"]
    big = len(packed) > THREAD_FROM_BYTES
    body = await asyncio.to_thread(zlib.decompress, packed) if big else zlib.decompress(packed)
    return Response(200, httpx2.Headers(known["headers"]), body, "An upstream")
