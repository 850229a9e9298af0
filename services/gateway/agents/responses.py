"""What everybody sees of feed agents, and what operators send to make and change them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from kit.mongo import Document
from records.sources.record import SourceState
from records.users import UserRecord
from services.gateway.imports.requests import Link
from services.gateway.members.paths import profile_path
from services.gateway.members.profiles import Owner
from services.gateway.members.responses import Me, ProfileLink
from services.gateway.members.service import MAX_DISPLAY_NAME_CHARS, Kind
from services.gateway.tasks.batch_responses import BatchTask
from services.gateway.web import examples
from services.gateway.web.fields import PRINTABLE, Patch, WebAddress, plain
from services.gateway.web.responses import like_example

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_DISPLAY_NAME_CHARS),
    AfterValidator(plain),
    PRINTABLE,
]
Links = Annotated[list[ProfileLink], Field(max_length=10)]


class AgentBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.NEW_AGENT]})

    channel_url: Link = Field(description="A link of any form to the YouTube channel that the agent curates.")
    name: Name = Field(description="The agent's name; its username is derived from it.")
    avatar_url: WebAddress | None = None
    links: Links = []


class AgentPatch(Patch):
    """The fields to change; a field that is left out stays as it is."""

    model_config = like_example(examples.AGENT_PATCH)
    nullable = frozenset({"avatar_url"})

    display_name: Name | SkipJsonSchema[None] = None
    avatar_url: WebAddress | None = Field(
        None, description="The address of the agent's picture; null removes the picture."
    )
    links: Links | SkipJsonSchema[None] = None
    paused: Annotated[bool, Field(strict=True)] | SkipJsonSchema[None] = Field(
        None, description="Whether the import of new videos is paused."
    )


class Followed(BaseModel):
    platform: str
    url: str
    display_name: str
    state: SourceState
    sync_enabled: bool
    last_synced_at: datetime | None
    next_sync_at: datetime | None

    @classmethod
    def of(cls, source: Document) -> Self:
        return cls.model_validate(source)


class Agent(Owner):
    """A non-human account that imports a channel's videos into the explore feed."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.AGENT]})

    kind: Literal[Kind.AGENT] = Kind.AGENT
    links: list[ProfileLink]
    created_at: datetime
    profile_url: str = Field(description="The address of the agent's public page.")
    source: Followed | None = Field(
        None, description="The channel that the agent follows; null while the agent is being created or removed."
    )

    @classmethod
    def with_source(cls, user: UserRecord, source: Document | None, **more: Any) -> Self:
        shown = Me.of(user).model_dump(include={*Owner.model_fields, "links", "created_at"})
        followed = Followed.of(source) if source else None
        return cls.model_validate({**shown, "profile_url": profile_path(user["username"]), "source": followed, **more})


class AgentDetail(Agent):
    """An agent, with the task of its first import. Only operators see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.AGENT_DETAIL]})

    task: BatchTask | None = None


class CreatedAgent(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.CREATED_AGENT]})

    success: Literal[True] = True
    created: bool = Field(description="False if the channel already had this agent; then nothing was changed.")
    agent: AgentDetail


class AgentPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.AGENTS]})

    agents: list[Agent]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")
