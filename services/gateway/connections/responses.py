"""What clients get of their connections, and of what they see through them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from integrations.connections.model import Connection, ConnectionState
from integrations.provider import Provider
from services.gateway.web import examples


class ConnectionResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.CONNECTION]})

    provider: str
    title: str = Field(description="The provider's name, to show to people.")
    state: ConnectionState
    account_name: str | None = None
    scopes: list[str] = Field(default=[], description="The scopes that the member granted.")
    missing_scopes: list[str] = Field(default=[], description="The scopes that were requested and not granted.")
    connected_at: datetime | None = None
    last_used_at: datetime | None = None

    @classmethod
    def of(cls, provider: Provider, connection: Connection | None) -> Self:
        if connection is None or connection.state is ConnectionState.DISCONNECTED:
            return cls(provider=provider.name, title=provider.title, state=ConnectionState.DISCONNECTED)
        return cls(
            provider=provider.name,
            title=provider.title,
            state=connection.state,
            account_name=connection.account_name,
            scopes=list(connection.scopes),
            missing_scopes=list(provider.missing(connection.purpose, connection.scopes)),
            connected_at=connection.connected_at,
            last_used_at=connection.last_used_at,
        )


class ConnectionList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.CONNECTIONS]})

    connections: list[ConnectionResponse]


class Started(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.STARTED]})

    authorize_url: str


class Existing(BaseModel):
    """The project that an earlier import made."""

    project_id: str
    url: str = Field(description="/{username}/{slug}")


class RepositoryResponse(BaseModel):
    url: str = Field(description="The repository's link; send it to /api/v1/github/import/ to import it.")
    full_name: str
    description: str
    language: str | None
    stars: int
    is_private: bool
    is_archived: bool
    is_fork: bool
    pushed_at: str | None
    imported: Existing | None = None


class UnreadRepository(BaseModel):
    full_name: str = Field(description="As far as GitHub says one.")
    reason: str


class RepositoryPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.REPOSITORY_PAGE]})

    repositories: list[RepositoryResponse]
    skipped: list[UnreadRepository] = Field(description="Listed by GitHub, and not to be imported.")
    next_page: str | None = Field(None, description="Send it as `page` for the next page.")
    private: bool = Field(description="Whether private repositories are listed, as their scope was granted.")
