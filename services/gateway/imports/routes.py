"""Accept a pasted link, or several."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from pymongo.errors import PyMongoError
from starlette.responses import JSONResponse, Response

from kit.mongo import Document
from records.imports import State
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.auth.dependencies import CallerDep
from services.gateway.imports.idempotency import KEY_PATTERN, idempotency_key
from services.gateway.imports.requests import GitHubBody, ImportBody, YouTubeBody
from services.gateway.imports.submissions import Submission, SubmissionsDep
from services.gateway.projects.responses import Imported, ProjectResponse
from services.gateway.rate_limits.limits import REPOSITORIES, MemberLimits, MemberLimitsDep
from services.gateway.tasks.batch_responses import AcceptedBatch
from services.gateway.tasks.responses import Accepted
from services.gateway.web import examples
from services.gateway.web.client_address import AddressDep
from services.gateway.web.errors import NotFoundError, of_failure, respond
from services.gateway.web.headers import wait_seconds
from services.gateway.web.openapi import RATE_LIMIT_HEADERS, Responses, errors
from services.gateway.web.provided import DatabaseDep

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


@dataclass(frozen=True)
class Importing:
    """A request to import one link: its parts, and the answer."""

    request: Request
    db: DatabaseDep
    submissions: SubmissionsDep
    limits: MemberLimitsDep
    address: AddressDep

    async def answer(self, sent: Submission, wait: int | None) -> Response:
        """Accept the link. With `wait`, answer with its project or its failure if there is one in so many seconds."""
        new, record = await self.submissions.accept(sent)
        done = await self.submissions.outcome(sent.caller, self.address, record["_id"], wait) if wait else None
        limit = await limit_headers(self.limits, sent.caller, new.counted_as)
        if done is not None:
            with suppress(PyMongoError):  # the import is accepted, whatever happens to its answer
                return await self._finished(sent.caller, done, {"Preference-Applied": f"wait={wait}", **limit})
        return acceptance(Accepted.of(record), limit)

    async def _finished(self, caller: Caller, record: Document, headers: dict[str, str]) -> Response:
        if record["state"] == State.FAILED:
            return respond(self.request, of_failure(record), headers)
        # The id came with an event, so the project is shown only if it is the member's own.
        owned = {"_id": record["result"]["project_id"], "user_id": caller.user_id}
        project = await self.db["projects"].find_one(owned)
        if project is None:
            return respond(self.request, NotFoundError("The project was deleted before this answer."), headers)
        answer = Imported(project=ProjectResponse.of(project, caller.username, own=True))
        return JSONResponse(answer.model_dump(mode="json"), 200, headers)


ImportingDep = Annotated[Importing, Depends()]


@router.post("/integrations/import/", status_code=202, response_model=Accepted, responses=RESPONSES)
async def import_link(
    body: ImportBody, importing: ImportingDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import any supported link."""
    sent = Submission(caller, body.url, body.options, idempotency_key(key), body.auto_sync)
    return await importing.answer(sent, wait_seconds(prefer))


@router.post(
    "/github/import/", status_code=202, response_model=Accepted | AcceptedBatch, responses=RESPONSES | {202: SEVERAL}
)
async def import_github(
    body: GitHubBody, importing: ImportingDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import a GitHub repository, or with `urls` up to 50: each its own task, under one parent that sums them.

    A bad or known link among `urls` is named in `refused` and spoils no other.
    """
    sent = Submission(caller, body.url or "", body.options, idempotency_key(key), body.auto_sync, only="github")
    if body.urls is None:
        return await importing.answer(sent, wait_seconds(prefer))
    record = await importing.submissions.accept_many(sent, "github", body.urls)
    return acceptance(AcceptedBatch.of(record), await limit_headers(importing.limits, caller, REPOSITORIES))


@router.post("/integrations/youtube/import/", status_code=202, response_model=Accepted, responses=RESPONSES)
async def import_youtube(
    body: YouTubeBody, importing: ImportingDep, caller: CallerDep, key: Key = None, prefer: Prefer = None
) -> Response:
    """Import a YouTube video."""
    options = Options(is_showcase=body.is_showcase)
    sent = Submission(caller, body.video_url, options, idempotency_key(key), only="youtube")
    return await importing.answer(sent, wait_seconds(prefer))


async def limit_headers(limits: MemberLimits, caller: Caller, kind: str) -> dict[str, str]:
    with suppress(PyMongoError):  # the import is accepted, whether or not we can say how many are left
        return await limits.headers(caller.user_id, kind)
    return {}


def acceptance(accepted: Accepted, limit: dict[str, str]) -> Response:
    headers = {"Location": accepted.status_url, "Retry-After": "1", **limit}
    return JSONResponse(accepted.model_dump(mode="json"), 202, headers)
