"""Members and agents, as everybody sees them."""

from fastapi import APIRouter, Response

from kit.mongo import Document
from records.point_totals import total_points
from services.gateway.auth.dependencies import ReaderDep
from services.gateway.members.paths import USERS, profile_path
from services.gateway.members.profiles import Profile
from services.gateway.members.responses import Me
from services.gateway.members.service import Kind, UsersDep
from services.gateway.projects.responses import ProjectSummary
from services.gateway.web.errors import NotFoundError
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

router = APIRouter(prefix=USERS, tags=["users"])


@router.get("/{username}/", responses=errors(404, 429), openapi_extra=PUBLIC)
async def read_user(
    username: str,
    response: Response,
    db: DatabaseDep,
    users: UsersDep,
    reader: ReaderDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Profile:
    """A public page: who they are, and the projects that they show."""
    user = await users.find(username)
    if user is None:
        raise NotFoundError("There is no such member.")
    own = reader is not None and reader.user_id == user["_id"]
    query: Document = {"user_id": user["_id"], **({"is_showcase": True} if own else {"shown": True})}
    records, following = await newest_first(
        db["projects"], query, by="created_at", limit=limit, cursor=cursor, without=("content", "metadata")
    )
    link_next(response, profile_path(username), following, limit=limit)
    known = Me.of(user)
    points = await total_points(db, user["_id"]) if known.kind is Kind.PERSON else None
    return Profile(
        **known.model_dump(include={"username", "display_name", "kind", "avatar_url", "links", "created_at"}),
        points=points,
        projects=[ProjectSummary.of(one, known.username) for one in records],
        next_cursor=following,
    )
