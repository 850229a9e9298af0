"""Feed agents: everybody sees them, operators make, change and remove them."""

from fastapi import APIRouter, Response

from records.users import UserRecord, users_in
from services.gateway.agents.responses import Agent, AgentBody, AgentDetail, AgentPage, AgentPatch, CreatedAgent
from services.gateway.agents.service import Agents, AgentsDep, NewAgent
from services.gateway.auth.dependencies import OperatorDep, ReaderDep
from services.gateway.members.service import Kind
from services.gateway.tasks.batch_responses import batch_task
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

PATH = "/api/v1/agents/"

router = APIRouter(prefix="/api/v1/agents", tags=["agents"])


@router.get("/", responses=errors(429), openapi_extra=PUBLIC)
async def list_agents(
    response: Response, db: DatabaseDep, agents: AgentsDep, _: ReaderDep, limit: Limit = 20, cursor: Cursor = None
) -> AgentPage:
    """All agents, newest first. `Link: rel="next"` leads to the next page."""
    users, following = await newest_first(
        users_in(db), {"kind": Kind.AGENT}, by="created_at", limit=limit, cursor=cursor, id_of=str
    )
    link_next(response, PATH, following, limit=limit)
    sources = await agents.sources(users)
    return AgentPage(
        agents=[Agent.with_source(user, sources.get(user["_id"])) for user in users], next_cursor=following
    )


@router.post(
    "/",
    status_code=201,
    responses={
        200: {"model": CreatedAgent, "description": "The channel already has this agent; nothing was changed."},
        **errors(400, 403, 404, 409, 413, 424, 429, 502),
    },
)
async def create_agent(body: AgentBody, response: Response, agents: AgentsDep, _: OperatorDep) -> CreatedAgent:
    """Make an agent for a channel: its latest 50 videos are imported, and new ones from now on. For operators.

    Repeating it changes nothing.
    """
    profile = body.model_dump(include={"avatar_url", "links"})
    user, created = await agents.create(NewAgent(body.channel_url, body.name, profile))
    if not created:
        response.status_code = 200
    return CreatedAgent(created=created, agent=await _detail(agents, user))


@router.get("/{username}/", responses=errors(403, 404))
async def read_agent(username: str, agents: AgentsDep, _: OperatorDep) -> AgentDetail:
    """An agent, and how its first import is doing. For operators."""
    return await _detail(agents, await agents.find(username))


@router.patch("/{username}/", responses=errors(403, 404, 413))
async def change_agent(username: str, body: AgentPatch, agents: AgentsDep, _: OperatorDep) -> AgentDetail:
    """Change an agent's page, pause it or resume it. For operators."""
    changes = body.model_dump(exclude_unset=True)
    paused = changes.pop("paused", None)
    return await _detail(agents, await agents.change(username, changes, paused=paused))


@router.delete("/{username}/", status_code=204, responses=errors(403, 404, 409))
async def remove_agent(username: str, agents: AgentsDep, _: OperatorDep) -> Response:
    """Remove an agent with all its projects; not while videos are being imported. For operators."""
    await agents.remove(username)
    return Response(status_code=204)


async def _detail(agents: Agents, user: UserRecord) -> AgentDetail:
    first = await agents.first_import(user)
    task = batch_task(*first, user["username"]) if first else None
    return AgentDetail.with_source(user, await agents.source(user), task=task)
