"""How an import is doing: asked for, or pushed."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, Response

from records.batches import BatchRecord, ListingBatch
from records.imports import TERMINAL, State, find
from records.task_lists import newest_tasks
from services.gateway.auth.caller import Caller
from services.gateway.auth.dependencies import CallerDep
from services.gateway.imports.batches import Batches, BatchesDep
from services.gateway.tasks.batch_responses import AnyTask, TaskPage, batch_task, ended, is_listed, version_of
from services.gateway.tasks.open_streams import OpenStreamsDep
from services.gateway.tasks.responses import TASKS, task
from services.gateway.tasks.stream import StatusStream, StatusStreamDep
from services.gateway.web import examples
from services.gateway.web.client_address import AddressDep
from services.gateway.web.errors import NotFoundError
from services.gateway.web.headers import seen_version
from services.gateway.web.openapi import errors
from services.gateway.web.pagination import Cursor, Limit, decode, encode, link_next
from services.gateway.web.provided import DatabaseDep

PING_SECONDS = 15
SEND_SECONDS = 30  # a client that reads nothing for so long is gone

router = APIRouter(prefix=TASKS, tags=["tasks"])

LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event that the client received.")
]
Status = Annotated[State | None, Query(description="Only tasks with this status.")]


async def counted(streams: OpenStreamsDep, caller: CallerDep, address: AddressDep) -> AsyncIterator[None]:
    """Count the stream as open until it has ended."""
    with streams.counted(caller.user_id, address):
        yield


EVENT = {  # as OpenAPI 3.2 describes the items of a stream
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "The task's `version`."},
        "event": {"const": "status"},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The task."},
    },
}
STATES = {
    name: {"value": value}
    for name, value in (
        ("pending", examples.PENDING),
        ("processing", examples.PROCESSING),
        ("completed", examples.COMPLETED),
        ("failed", examples.FAILED),
        ("batch", examples.BATCH),
    )
}


@router.get("/", response_model=TaskPage, responses=errors())
async def list_tasks(
    db: DatabaseDep, caller: CallerDep, limit: Limit = 20, cursor: Cursor = None, status: Status = None
) -> Response:
    """Your imports, newest first; a sync may have started them. A channel is among them while it is being read, and
    where it could not be; then its videos are. `Link: rel="next"` leads to the next page.
    """
    before = decode(cursor) if cursor else None
    states = (status,) if status else tuple(State)
    records = await newest_tasks(db, caller.user_id, states=states, limit=limit + 1, before=before)
    shown = records[:limit]
    following = encode(shown[-1]["created_at"], shown[-1]["_id"]) if len(records) > limit else None
    tasks = [_listed(record, caller.username).model_dump(mode="json", exclude_none=True) for record in shown]
    response = JSONResponse({"tasks": tasks, "next_cursor": following})
    link_next(response, f"{TASKS}/", following, limit=limit, status=status)
    return response


@router.get(
    "/{task_id}/",
    response_model_exclude_none=True,
    responses={200: {"content": {"application/json": {"examples": STATES}}}, **errors(404)},
)
async def read_task(task_id: UUID, db: DatabaseDep, batches: BatchesDep, caller: CallerDep) -> AnyTask:
    """The import's status: pending, processing, completed with its result, or failed with what to do about it.

    A parent of several imports (`kind` is `batch`) sums them, and has each of them in `children`.
    """
    if record := await find(db, task_id, caller.user_id):
        return task(record, caller.username)
    batch = await _batch(batches, caller, task_id)
    return batch_task(batch, await batches.children(batch), caller.username)


@router.get(
    "/{task_id}/events/",
    dependencies=[Depends(counted)],
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Server-sent events named `status`, each with the body of the status address; `id` is the "
            "version. The first is the current state, unless Last-Event-ID has seen it; the last is terminal.",
            "content": {
                "text/event-stream": {"schema": {"type": "string"}, "itemSchema": EVENT, "example": examples.EVENT}
            },
        },
        204: {"description": "The client has received the last event already: it need not reconnect."},
        **errors(404, 429),
    },
)
async def follow_task(
    task_id: UUID,
    db: DatabaseDep,
    batches: BatchesDep,
    stream: StatusStreamDep,
    caller: CallerDep,
    last_event_id: LastEventId = None,
) -> Response:
    """The task's status, sent at every change until the import ends; a parent's, until all its imports have ended."""
    if record := await find(db, task_id, caller.user_id):
        version, done = record["version"], record["state"] in TERMINAL
        states = _states(stream, caller, task_id)
    else:
        batch = await _batch(batches, caller, task_id)
        children = await batches.children(batch)
        version, done = version_of(batch, children), ended(batch, children)
        states = _batch_states(stream, batches, caller, batch)
    seen = seen_version(last_event_id, version)
    if done and version == seen:
        return Response(status_code=204)  # tells an EventSource to stop reconnecting
    return EventSourceResponse(_events(states, seen), ping=PING_SECONDS, send_timeout=SEND_SECONDS)


async def _events(states: AsyncGenerator[AnyTask], seen: int) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(states):
        async for status in states:
            if status.version > seen:
                body = status.model_dump_json(exclude_none=True)
                yield ServerSentEvent(body, id=str(status.version), event="status")


async def _states(stream: StatusStream, caller: Caller, task_id: UUID) -> AsyncGenerator[AnyTask]:
    async with aclosing(stream.follow(task_id)) as records:
        async for record in records:
            yield task(record, caller.username)


async def _batch_states(
    stream: StatusStream, batches: Batches, caller: Caller, batch: BatchRecord
) -> AsyncGenerator[AnyTask]:
    if not is_listed(batch):
        async with aclosing(stream.follow(batch["_id"])) as listings:
            async for record in listings:
                batch = cast("ListingBatch", record)
                if not is_listed(batch):
                    yield batch_task(batch, (), caller.username)
    ids = [child["_id"] for child in await batches.children(batch)]
    if not ids:
        yield batch_task(batch, (), caller.username)
        return
    async with aclosing(stream.follow_all(ids)) as states:
        async for records in states:
            yield batch_task(batch, sorted(records, key=lambda record: ids.index(record["_id"])), caller.username)


def _listed(record: Any, username: str) -> AnyTask:
    """A listing says what it refused, an import does not."""
    return batch_task(record, (), username) if "refused" in record else task(record, username)


async def _batch(batches: Batches, caller: Caller, task_id: UUID) -> BatchRecord:
    record = await batches.find(caller.user_id, task_id)
    if record is None:
        raise NotFoundError("There is no such task.")
    return record
