"""What members read and change about themselves, and their API tokens."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, field_validator
from pydantic.json_schema import SkipJsonSchema

from kit.mongo import Document
from services.gateway import examples
from services.gateway.requests import Whole
from services.gateway.users import MAX_DISPLAY_NAME_CHARS, Kind

# Of a field, in the API's description: nothing in it that cannot be shown.
PRINTABLE = Field(json_schema_extra={"format": "printable"})


def plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("contains characters that cannot be shown")
    return text


def _web_address(value: str) -> str:
    """As it was sent, once it is known to be one."""
    url = HttpUrl(value)
    if url.scheme != "https" or url.username or url.password:
        raise ValueError("is not an https:// address")
    return str(url)


def _line(max_length: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=max_length)


WebAddress = Annotated[
    str,
    StringConstraints(max_length=2_048),
    AfterValidator(_web_address),
    Field(json_schema_extra={"format": "uri"}, description="Of https."),
]


class ProfileLink(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, _line(50), AfterValidator(plain), PRINTABLE]
    url: WebAddress


class IdentityAnswer(BaseModel):
    provider: str
    account_name: str
    linked_at: datetime


class Me(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.ME]})

    id: str
    username: str = Field(description="The name in the addresses of your projects; it never changes.")
    display_name: str
    kind: Kind
    avatar_url: str | None
    links: list[ProfileLink]
    roles: list[str]
    identities: list[IdentityAnswer] = Field(description="The accounts that you sign in with.")
    created_at: datetime

    @classmethod
    def of(cls, user: Document) -> Self:
        """Records of the first days hold only a username."""
        defaults = {"display_name": user["username"], "kind": Kind.PERSON, "avatar_url": None}
        return cls.model_validate({**defaults, "links": [], "roles": [], "identities": [], **user, "id": user["_id"]})


class MePatch(BaseModel):
    """The fields to change; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.ME_PATCH]})

    display_name: (
        Annotated[str, _line(MAX_DISPLAY_NAME_CHARS), AfterValidator(plain), PRINTABLE] | SkipJsonSchema[None]
    ) = None
    avatar_url: WebAddress | None = Field(None, description="The address of your picture; null removes the picture.")
    links: Annotated[list[ProfileLink], Field(max_length=10)] | SkipJsonSchema[None] = None

    @field_validator("display_name", "links", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null")
        return value


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.NEW_TOKEN]})

    name: Annotated[str, _line(80), AfterValidator(plain), PRINTABLE] = Field(
        description="A name by which you will recognise the token."
    )
    expires_in_days: Whole = Field(90, ge=1, le=366)


class TokenAnswer(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(None, description="When the token was last used, to the minute.")

    @classmethod
    def of(cls, record: Document, **more: Any) -> Self:
        return cls.model_validate({**record, "id": record["_id"], **more})


class CreatedToken(TokenAnswer):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.CREATED_TOKEN]})

    token: str = Field(description="The token itself, shown only in this answer.")


class TokenList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.TOKENS]})

    tokens: list[TokenAnswer]
