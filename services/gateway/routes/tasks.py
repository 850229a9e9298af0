"""How an import is doing: asked for, or pushed."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from kit.imports import TERMINAL
from kit.mongo import Document
from services.gateway import examples
from services.gateway.answers import TASKS, Task, task
from services.gateway.errors import NotFoundError
from services.gateway.identity import Caller, CallerDep
from services.gateway.openapi import errors
from services.gateway.requests import seen_version
from services.gateway.services import Gateway, GatewayDep

PING_SECONDS = 15
SEND_SECONDS = 30  # a client that reads nothing for so long is gone

router = APIRouter(prefix=TASKS, tags=["tasks"])

LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="The id of the last event seen.")]
STATES = {
    name: {"value": value}
    for name, value in (
        ("pending", examples.PENDING),
        ("processing", examples.PROCESSING),
        ("completed", examples.COMPLETED),
        ("failed", examples.FAILED),
    )
}


@router.get(
    "/{task_id}/",
    response_model_exclude_none=True,
    responses={200: {"content": {"application/json": {"examples": STATES}}}, **errors(404)},
)
async def read_task(task_id: UUID, gateway: GatewayDep, caller: CallerDep) -> Task:
    """The import's status: pending, processing, completed with its result, or failed with what to do about it."""
    return task(await _mine(gateway, caller, task_id), caller.username)


@router.get(
    "/{task_id}/events/",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Server-sent events named `status`, each with the body of the status address; `id` is the "
            "version. The first is the current state, unless Last-Event-ID has seen it; the last is terminal.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": examples.EVENT}},
        },
        204: {"description": "Last-Event-ID has seen the end: there is nothing to reconnect for."},
        **errors(404),
    },
)
async def follow_task(
    task_id: UUID, gateway: GatewayDep, caller: CallerDep, last_event_id: LastEventId = None
) -> Response:
    """The same, pushed at every change until the import ends."""
    record = await _mine(gateway, caller, task_id)
    seen = seen_version(last_event_id, record["version"])
    if record["state"] in TERMINAL and record["version"] == seen:
        return Response(status_code=204)  # tells an EventSource to stop reconnecting
    return EventSourceResponse(_events(gateway, caller, task_id, seen), ping=PING_SECONDS, send_timeout=SEND_SECONDS)


async def _events(gateway: Gateway, caller: Caller, task_id: UUID, seen: int) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(gateway.hub.follow(task_id)) as states:
        async for record in states:
            if record["version"] > seen:
                status = task(record, caller.username).model_dump_json(exclude_none=True)
                yield ServerSentEvent(status, id=str(record["version"]), event="status")


async def _mine(gateway: Gateway, caller: Caller, task_id: UUID) -> Document:
    record = await gateway.db["imports"].find_one({"_id": task_id, "user_id": caller.user_id})
    if record is None:
        raise NotFoundError("There is no such task.")
    return record
