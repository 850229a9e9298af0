"""Members and agents, as everybody sees them."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from kit.mongo import Document
from services.gateway.answers import ProjectSummary
from services.gateway.errors import NotFoundError
from services.gateway.identity import ReaderDep
from services.gateway.member_answers import Me
from services.gateway.openapi import PUBLIC, errors
from services.gateway.pages import Cursor, Limit, link_next, newest_first
from services.gateway.profiles import Profile
from services.gateway.services import GatewayDep
from services.gateway.totals import total_points
from services.gateway.users import Kind

router = APIRouter(prefix="/api/v1/users", tags=["users"])


@router.get("/{username}/", responses=errors(404, 429), openapi_extra=PUBLIC)
async def read_user(
    username: str,
    response: Response,
    gateway: GatewayDep,
    reader: ReaderDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Profile:
    """A public page: who they are, and the projects that they show."""
    user = await gateway.users.find(username)
    if user is None:
        raise NotFoundError("There is no such member.")
    own = reader is not None and reader.user_id == user["_id"]
    query: Document = {"user_id": user["_id"], **({"is_showcase": True} if own else {"shown": True})}
    records, following = await newest_first(
        gateway.db["projects"], query, by="created_at", limit=limit, cursor=cursor, without=("content", "metadata")
    )
    link_next(response, profile_path(username), following, limit=limit)
    known = Me.of(user)
    points = await total_points(gateway.db, user["_id"]) if known.kind is Kind.PERSON else None
    return Profile(
        **known.model_dump(include={"username", "display_name", "kind", "avatar_url", "links", "created_at"}),
        points=points,
        projects=[ProjectSummary.of(one, known.username) for one in records],
        next_cursor=following,
    )


def profile_path(username: str) -> str:
    return f"{router.prefix}/{quote(username)}/"
