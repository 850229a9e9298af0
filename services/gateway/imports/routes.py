"""A pasted link is accepted."""

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pymongo.errors import PyMongoError
from starlette.responses import JSONResponse, Response

from integrations.registry import AnyIntegration
from kit.errors import IMPORT_LINK, InvalidURLError
from kit.mongo import Document
from records.imports import BULK, State
from records.sources.record import Frequency
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.auth.dependencies import CallerDep
from services.gateway.imports.batches import NewBatch
from services.gateway.imports.idempotency import KEY_PATTERN, idempotency_key
from services.gateway.imports.requests import GitHubBody, ImportBody, YouTubeBody, link
from services.gateway.imports.service import NewImport
from services.gateway.projects.responses import Imported, ProjectAnswer
from services.gateway.rate_limits.limits import REPOSITORIES
from services.gateway.services import Gateway, GatewayDep
from services.gateway.sources.service import NewSource
from services.gateway.tasks.batch_responses import AcceptedBatch
from services.gateway.tasks.open_streams import TooManyStreamsError
from services.gateway.tasks.responses import Accepted
from services.gateway.web import examples
from services.gateway.web.client_address import peer
from services.gateway.web.errors import NotFoundError, of_failure, respond
from services.gateway.web.headers import wait_seconds
from services.gateway.web.openapi import RATE_LIMIT_HEADERS, Responses, errors

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key and body get the same task again; the same key with another body is a 422.",
        json_schema_extra={"pattern": KEY_PATTERN},
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]
Prefer = Annotated[
    str | None,
    Header(
        description="`wait=N`: wait up to N seconds, at most 60, for the finished project (RFC 7240).",
        examples=["wait=20"],
    ),
]
RESPONSES: Responses = {
    202: {
        "description": "The import was accepted, or is already under way; follow `status_url`.",
        "headers": {
            "Location": {"description": "The address of the task's status.", "schema": {"type": "string"}},
            "Retry-After": {
                "description": "After how many seconds to ask for the status.",
                "schema": {"type": "integer"},
            },
            **RATE_LIMIT_HEADERS,
        },
    },
    200: {
        "model": Imported,
        "description": "With `Prefer: wait=N`, the import finished in time. If it failed, the answer is its error.",
        "headers": {
            "Preference-Applied": {"description": "wait=N", "schema": {"type": "string"}},
            **RATE_LIMIT_HEADERS,
        },
    },
    **errors(400, 403, 404, 409, 413, 424, 429, 502),
}
SEVERAL = RESPONSES[202] | {
    "content": {
        "application/json": {
            "examples": {"url": {"value": examples.ACCEPTED}, "urls": {"value": examples.ACCEPTED_BATCH}},
        }
    }
}

router = APIRouter(prefix="/api/v1", tags=["imports"])


@router.post("/integrations/import/", status_code=202, response_model=Accepted, responses=RESPONSES)
async def import_link(
    request: Request, body: ImportBody, gateway: GatewayDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import any supported link."""
    return await _accept(request, gateway, caller, body.url, body.options, key, prefer, auto_sync=body.auto_sync)


@router.post(
    "/github/import/", status_code=202, response_model=Accepted | AcceptedBatch, responses=RESPONSES | {202: SEVERAL}
)
async def import_github(
    request: Request, body: GitHubBody, gateway: GatewayDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import a GitHub repository, or with `urls` up to 50: each its own task, under one parent that sums them.

    A bad or known link among `urls` is named in `refused` and spoils no other.
    """
    if body.url is not None:
        return await _accept(
            request, gateway, caller, body.url, body.options, key, prefer, only="github", auto_sync=body.auto_sync
        )

    def recognise(url: str) -> NewImport:
        return replace(_recognised(gateway, caller, link(url), body.options, only="github"), priority=BULK)

    urls = body.urls or ()
    new = NewBatch(caller, "github", urls, body.options, recognise, idempotency_key(key), body.auto_sync)
    if body.auto_sync:
        await gateway.sources.require_room(caller.user_id, await gateway.batches.wanted(new))
    record = await gateway.batches.accept(new)
    if body.auto_sync:
        for child in record["children"]:
            await _follow(gateway, caller, "github", child["url"], body.options, body.auto_sync)
    return acceptance(AcceptedBatch.of(record), await limit_headers(gateway, caller, REPOSITORIES))


@router.post("/integrations/youtube/import/", status_code=202, response_model=Accepted, responses=RESPONSES)
async def import_youtube(
    request: Request, body: YouTubeBody, gateway: GatewayDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import a YouTube video."""
    options = Options(is_showcase=body.is_showcase)
    return await _accept(request, gateway, caller, body.video_url, options, key, prefer, only="youtube")


async def _accept(
    request: Request,
    gateway: Gateway,
    caller: Caller,
    url: str,
    options: Options,
    key: str | None,
    prefer: str | None,
    *,
    only: str | None = None,
    auto_sync: Frequency | None = None,
) -> Response:
    new = replace(
        _recognised(gateway, caller, url, options, only=only),
        idempotency_key=idempotency_key(key),
        auto_sync=auto_sync,
    )
    if auto_sync:
        await gateway.sources.require_room(caller.user_id, {new.url})
    record = await gateway.imports.accept(new)
    if auto_sync:
        await _follow(gateway, caller, new.integration, new.url, options, auto_sync)
    if wait := wait_seconds(prefer):
        address = peer(request, gateway.settings.trusted_proxies)
        # What is accepted stays so, whatever the wait meets, and also where there is no place to wait in.
        with suppress(PyMongoError, TooManyStreamsError), gateway.places.taken(caller.user_id, address):
            if done := await gateway.hub.outcome(record["_id"], wait):
                limit = await limit_headers(gateway, caller, new.counted_as)
                return await _finished(request, gateway, caller, done, {"Preference-Applied": f"wait={wait}", **limit})
    return acceptance(Accepted.of(record), await limit_headers(gateway, caller, new.counted_as))


def _recognised(gateway: Gateway, caller: Caller, url: str, options: Options, *, only: str | None) -> NewImport:
    found = gateway.registry.recognise(url)
    if only and found.integration.name != only:
        raise misplaced(found.integration, f"{gateway.registry.get(only).title} links")
    return NewImport(caller, found.integration.name, found.url, options, found.counted_as)


def misplaced(integration: AnyIntegration, takes: str) -> InvalidURLError:
    """For a link that can be imported, but not at the address that it was sent to, which takes others."""
    return InvalidURLError(
        f"That is a {integration.title} link; this endpoint takes {takes}.",
        action=IMPORT_LINK,
        suggestion="Send the link to /api/v1/integrations/import/, which takes every supported link.",
    )


async def _follow(
    gateway: Gateway, caller: Caller, platform: str, url: str, options: Options, frequency: Frequency
) -> None:
    """After its import was accepted. If this is cut off, the request that is sent again does it."""
    await gateway.sources.keep_in_sync(NewSource(caller.user_id, platform, url, frequency, options, seen=True))


async def limit_headers(gateway: Gateway, caller: Caller, kind: str) -> dict[str, str]:
    with suppress(PyMongoError):  # the import is accepted, whether or not we can say how many are left
        return await gateway.limits.headers(caller.user_id, kind)
    return {}


def acceptance(accepted: Accepted, limit: dict[str, str]) -> Response:
    headers = {"Location": accepted.status_url, "Retry-After": "1", **limit}
    return JSONResponse(accepted.model_dump(mode="json"), 202, headers)


async def _finished(
    request: Request, gateway: Gateway, caller: Caller, record: Document, headers: dict[str, str]
) -> Response:
    if record["state"] == State.FAILED:
        return respond(request, of_failure(record), headers)
    # An event said which project it is: only the member's own is believed to be theirs.
    hers = {"_id": record["result"]["project_id"], "user_id": caller.user_id}
    project = await gateway.db["projects"].find_one(hers)
    if project is None:
        return respond(request, NotFoundError("The project was deleted before this answer."), headers)
    answer = Imported(project=ProjectAnswer.of(project, caller.username, own=True))
    return JSONResponse(answer.model_dump(mode="json"), 200, headers)
