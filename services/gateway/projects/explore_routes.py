"""What is new from everybody, people and agents."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from integrations.registry import INTEGRATIONS
from kit.mongo import Document
from records.projects import narrowed
from services.gateway.auth.dependencies import ReaderDep
from services.gateway.members.service import UsersDep
from services.gateway.projects.explore_responses import ExplorePage, ExploreProject
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

router = APIRouter(prefix="/api/v1", tags=["explore"])
PATH = "/explore/"

Facet = Query(min_length=1, max_length=60)
Type = Annotated[
    str | None, Facet, Query(description="Only projects of this type (github_repo, video) or project_type.")
]
Technology = Annotated[
    str | None, Facet, Query(description="Only projects with this technology, in upper or lower case.")
]
Platform = Annotated[
    str | None,
    Facet,
    Query(description=f"Only projects imported from this platform: {', '.join(one.name for one in INTEGRATIONS)}."),
]


@router.get(PATH, responses=errors(429), openapi_extra=PUBLIC)
async def explore(
    response: Response,
    db: DatabaseDep,
    users: UsersDep,
    _: ReaderDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    type: Type = None,
    technology: Technology = None,
    platform: Platform = None,
) -> ExplorePage:
    """The newest public showcase projects. `Link: rel="next"` leads to the next page."""
    query: Document = {"shown": True, **narrowed(type=type, technology=technology, platform=platform)}
    records, following = await newest_first(
        db["projects"], query, by="created_at", limit=limit, cursor=cursor, without=("content", "metadata")
    )
    link_next(
        response, router.prefix + PATH, following, limit=limit, type=type, technology=technology, platform=platform
    )
    owners = await users.read_many({record["user_id"] for record in records})
    shown = [ExploreProject.by(one, owners[one["user_id"]]) for one in records if one["user_id"] in owners]
    return ExplorePage(projects=shown, next_cursor=following)
