"""Finished projects: public ones for everybody, private ones for their owner."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pymongo import ReturnDocument

from kit.mongo import Document
from records import deletions
from records.projects import SHOWN_TO_ALL, edit
from services.gateway.auth.caller import Caller
from services.gateway.auth.dependencies import CallerDep, ReaderDep
from services.gateway.members.service import UsersDep
from services.gateway.projects.requests import ProjectPatch
from services.gateway.projects.responses import ProjectPage, ProjectResponse, ProjectSummary
from services.gateway.web.errors import NotFoundError
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

router = APIRouter(prefix="/api/v1", tags=["projects"])

Showcase = Annotated[
    bool | None, Query(description="Only projects shown on the public page (true), or only the others (false).")
]


@router.get("/projects/{project_id}/", responses=errors(404, 429), openapi_extra=PUBLIC)
async def read_project(project_id: UUID, db: DatabaseDep, users: UsersDep, reader: ReaderDep) -> ProjectResponse:
    """A project with all its content. Public ones are for everybody, also without a token."""
    project = await db["projects"].find_one({"_id": project_id, **visible_to(reader)})
    if project is None:
        raise NotFoundError("There is no such project.")
    username = await users.find_name(project["user_id"]) or ""
    return ProjectResponse.of(project, username, own=reader is not None and project["user_id"] == reader.user_id)


@router.patch("/projects/{project_id}/", responses=errors(403, 404, 413))
async def change_project(project_id: UUID, body: ProjectPatch, db: DatabaseDep, caller: CallerDep) -> ProjectResponse:
    """Change a project of yours. No sync overwrites what you changed; what the upstream says instead is in
    `upstream_changes`, and `null` takes that."""
    projects, hers = db["projects"], {"_id": project_id, "user_id": caller.user_id}
    if changes := body.model_dump(exclude_unset=True):
        project = await projects.find_one_and_update(
            hers, edit(changes, datetime.now(UTC)), return_document=ReturnDocument.AFTER
        )
    else:
        project = await projects.find_one(hers)
    if project is None:
        raise NotFoundError("There is no such project.")
    return ProjectResponse.of(project, caller.username, own=True)


@router.delete("/projects/{project_id}/", status_code=204, responses=errors(403, 404))
async def delete_project(project_id: UUID, db: DatabaseDep, caller: CallerDep) -> Response:
    """Delete a project of yours. Its points stay; importing the link again makes it anew, without new ones."""
    hers = {"_id": project_id, "user_id": caller.user_id}
    await deletions.remember(db, hers, datetime.now(UTC))
    if not (await db["projects"].delete_one(hers)).deleted_count:
        raise NotFoundError("There is no such project.")
    return Response(status_code=204)


@router.get("/{username}/projects/", responses=errors(404, 429), openapi_extra=PUBLIC)
async def list_projects(
    username: str,
    response: Response,
    db: DatabaseDep,
    users: UsersDep,
    reader: ReaderDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    showcase: Showcase = None,
) -> ProjectPage:
    """A member's projects, newest first; for others, and without a token, the public ones. `Link: rel="next"` leads to
    the next page."""
    own = reader is not None and username == reader.username
    user_id = reader.user_id if reader and own else await users.find_id(username)
    if user_id is None:
        raise NotFoundError("There is no such member.")
    query = {"user_id": user_id, **visible_to(reader)} | ({} if showcase is None else {"is_showcase": showcase})
    records, following = await newest_first(
        db["projects"], query, by="created_at", limit=limit, cursor=cursor, without=("content", "metadata")
    )
    link_next(response, f"{router.prefix}/{quote(username)}/projects/", following, limit=limit, showcase=showcase)
    return ProjectPage(projects=[ProjectSummary.of(one, username) for one in records], next_cursor=following)


def visible_to(reader: Caller | None) -> Document:
    return {"$or": [SHOWN_TO_ALL, {"user_id": reader.user_id}]} if reader else SHOWN_TO_ALL
