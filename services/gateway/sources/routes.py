"""What the caller follows, and what became of it."""

from uuid import UUID

from fastapi import APIRouter, Response

from kit.mongo import Database, Document
from records.sources.outcome import ItemOutcome
from services.gateway.auth.dependencies import CallerDep
from services.gateway.integrations.service import RegistryDep
from services.gateway.rate_limits.limits import SYNCS, MemberLimitsDep
from services.gateway.sources.responses import (
    HistoryPage,
    RunResponse,
    SourceBody,
    SourcePage,
    SourcePatch,
    SourceResponse,
)
from services.gateway.sources.service import NewSource, SourcesDep
from services.gateway.web.openapi import errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

PREFIX = "/api/v1/integrations/sources"

router = APIRouter(prefix=PREFIX, tags=["sources"])


@router.get("/", responses=errors())
async def list_sources(
    response: Response, db: DatabaseDep, caller: CallerDep, limit: Limit = 20, cursor: Cursor = None
) -> SourcePage:
    """What you follow, newest first."""
    mine = {"user_id": caller.user_id}
    records, following = await newest_first(
        db["sources"], mine, by="created_at", limit=limit, cursor=cursor, without=("cursor",)
    )
    link_next(response, f"{PREFIX}/", following, limit=limit)
    return SourcePage(sources=[SourceResponse.of(record) for record in records], next_cursor=following)


@router.post("/", status_code=201, responses=errors(400, 403, 409, 413, 429))
async def follow(
    body: SourceBody,
    response: Response,
    registry: RegistryDep,
    sources: SourcesDep,
    limits: MemberLimitsDep,
    caller: CallerDep,
) -> SourceResponse:
    """Follow a repository, a video or a channel: the source is synced now, and then as often as you choose.

    A channel is named by its id here; `/api/v1/integrations/youtube/import-channel/` takes all its names.
    """
    found = registry.recognise_source(body.url)
    new = NewSource(
        caller.user_id, found.integration.name, found.url, body.sync_frequency, body.options,
        display_name=body.display_name, identifier=found.identifier,
    )  # fmt: skip
    async with limits.spending(caller.user_id, found.counted_as):
        source = await sources.follow(new)
    response.headers["Location"] = f"{PREFIX}/{source['_id']}/"
    return SourceResponse.of(source)


@router.get("/{source_id}/", responses=errors(404))
async def read_source(source_id: UUID, sources: SourcesDep, caller: CallerDep) -> SourceResponse:
    """A source that you follow, with the time of its next sync."""
    return SourceResponse.of(await sources.find(caller.user_id, source_id))


@router.patch("/{source_id}/", responses=errors(403, 404, 413))
async def change_source(source_id: UUID, body: SourcePatch, sources: SourcesDep, caller: CallerDep) -> SourceResponse:
    """Change a source's name, how often it is synced, or whether scheduled sync is on."""
    changes = body.model_dump(exclude_unset=True)
    return SourceResponse.of(await sources.change(caller.user_id, source_id, changes))


@router.delete("/{source_id}/", status_code=204, responses=errors(403, 404))
async def unfollow(source_id: UUID, sources: SourcesDep, caller: CallerDep) -> Response:
    """Stop following a source. Its projects stay, its history is deleted."""
    await sources.remove(caller.user_id, source_id)
    return Response(status_code=204)


@router.post("/{source_id}/sync/", status_code=202, responses=errors(403, 404, 429))
async def sync_now(source_id: UUID, sources: SourcesDep, limits: MemberLimitsDep, caller: CallerDep) -> SourceResponse:
    """Sync a source now, also one that is manual or switched off. The result appears in its history."""
    await sources.find(caller.user_id, source_id)
    async with limits.spending(caller.user_id, SYNCS):
        return SourceResponse.of(await sources.request_sync(caller.user_id, source_id))


@router.get("/{source_id}/history/", responses=errors(404))
async def read_history(
    source_id: UUID,
    response: Response,
    db: DatabaseDep,
    sources: SourcesDep,
    caller: CallerDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> HistoryPage:
    """The source's syncs: when and why each ran, what changed, what it cost, and what became of each item."""
    source = await sources.find(caller.user_id, source_id)
    runs, following = await newest_first(
        db["runs"],
        {"source_id": source_id, "user_id": caller.user_id},
        by="finished_at",
        limit=limit,
        cursor=cursor,
    )
    link_next(response, f"{PREFIX}/{source_id}/history/", following, limit=limit)
    imports = await _imports(db, caller.user_id, runs)
    answers = [RunResponse.of(run, imports) for run in runs]
    return HistoryPage.model_validate({**source, "runs": answers, "next_cursor": following})


async def _imports(db: Database, user_id: str, runs: list[Document]) -> dict[UUID, Document]:
    """Those that these runs sent on their way."""
    sent = [item["import_id"] for run in runs for item in run["items"] if item["outcome"] == ItemOutcome.REQUESTED]
    which = {"_id": {"$in": sent}, "user_id": user_id}
    found = db["imports"].find(which, {"state": 1, "result": 1, "error": 1})
    return {record["_id"]: record async for record in found} if sent else {}
