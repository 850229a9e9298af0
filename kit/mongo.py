"""MongoDB behind one seam: connecting, the indexes that say "unique", and what counts as an outage.

PyMongo's own asyncio API; Motor, its predecessor, is no longer maintained (docs/adr/0003).
"""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import InvalidDocument
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from kit.settings import MongoSettings

Document = dict[str, Any]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]

Record = TypeVar("Record", bound=Mapping[str, Any])

DUPLICATE_KEY = 11_000
TOO_LARGE = 10_334


def connect(settings: MongoSettings) -> Database:
    """The process's one client. Connects on first use; writes are acknowledged by a majority and journaled."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        settings.mongodb_url.get_secret_value(),
        uuidRepresentation="standard",
        tz_aware=True,
        tzinfo=UTC,
        w="majority",
        journal=True,
        retryWrites=True,
        serverSelectionTimeoutMS=5_000,
        timeoutMS=15_000,
    )
    options: CodecOptions[Document] = CodecOptions(
        tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.STANDARD
    )
    return client.get_database(settings.mongodb_database, codec_options=options)


def collection(db: Database, name: str, record: type[Record]) -> AsyncCollection[Record]:
    """The collection of this name, typed by the TypedDict of its documents."""
    return cast("AsyncCollection[Record]", db[name])


def to_millis(at: datetime) -> datetime:
    """Cut a time to the milliseconds that MongoDB stores."""
    return at.replace(microsecond=at.microsecond // 1_000 * 1_000)


def is_outage(error: BaseException) -> bool:
    """True when MongoDB is away or electing: nobody's fault, so wait and try again."""
    if isinstance(error, ConnectionFailure | WriteConcernError | ExecutionTimeout):
        return True
    return isinstance(error, PyMongoError) and (
        error.timeout
        or error.has_error_label("RetryableWriteError")
        or (isinstance(error, OperationFailure) and error.code in {91, 189, 10_107, 11_600, 11_602, 13_435, 13_436})
    )


def is_unstorable(error: BaseException) -> bool:
    """True when the document itself is at fault: a key, a number or a time that BSON does not know, or more than a
    document may hold."""
    # pymongo's DocumentTooLarge is an InvalidDocument as well; the code is the server's word for the same.
    if isinstance(error, InvalidDocument | OverflowError):
        return True
    return isinstance(error, OperationFailure) and error.code == TOO_LARGE


class WriteRefusedError(Exception):
    """MongoDB refused one document of a batch, for another reason than that it is there already."""


def write_error(failure: Mapping[str, Any]) -> WriteRefusedError:
    """The exception for one of the failures that `refused` returns."""
    return WriteRefusedError(str(failure.get("errmsg", "not written"))[:200])


async def refused(write: Awaitable[object]) -> dict[int, Document]:
    """Await an unordered bulk write; which of its operations were refused, by position, with `code` and `errmsg`.

    Raises WriteConcernError where a majority did not acknowledge: nothing of it may be taken for written.
    """
    try:
        await write
    except BulkWriteError as error:
        details = error.details or {}
        for failure in details.get("writeConcernErrors", []):
            raise WriteConcernError("not acknowledged", failure.get("code"), failure) from error
        return {int(failure["index"]): failure for failure in details.get("writeErrors", [])}
    return {}


async def each_written(write: Awaitable[object], count: int) -> list[Exception | None]:
    """The result of each operation of a bulk write; what was there already counts as written."""
    failures = await refused(write)
    return [
        write_error(failures[i]) if i in failures and failures[i]["code"] != DUPLICATE_KEY else None
        for i in range(count)
    ]
