"""What members read and change about themselves, and their API tokens."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from records.users import UserRecord
from services.gateway.members.service import MAX_DISPLAY_NAME_CHARS, Kind
from services.gateway.web import examples
from services.gateway.web.fields import PRINTABLE, Patch, WebAddress, line, plain
from services.gateway.web.responses import like_example


class ProfileLink(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, line(50), AfterValidator(plain), PRINTABLE]
    url: WebAddress


class IdentityResponse(BaseModel):
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
    identities: list[IdentityResponse] = Field(description="The accounts that you sign in with.")
    created_at: datetime

    @classmethod
    def of(cls, user: UserRecord) -> Self:
        """Records of the first days hold only a username."""
        defaults = {"display_name": user["username"], "kind": Kind.PERSON, "avatar_url": None}
        return cls.model_validate({**defaults, "links": [], "roles": [], "identities": [], **user, "id": user["_id"]})


class MePatch(Patch):
    """The fields to change; a field that is left out stays as it is."""

    model_config = like_example(examples.ME_PATCH)
    nullable = frozenset({"avatar_url"})

    display_name: (
        Annotated[str, line(MAX_DISPLAY_NAME_CHARS), AfterValidator(plain), PRINTABLE] | SkipJsonSchema[None]
    ) = None
    avatar_url: WebAddress | None = Field(None, description="The address of your picture; null removes the picture.")
    links: Annotated[list[ProfileLink], Field(max_length=10)] | SkipJsonSchema[None] = None
