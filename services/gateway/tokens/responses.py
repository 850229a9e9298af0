"""API tokens: what clients send and get."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from records.api_tokens import ApiTokenRecord
from services.gateway.web import examples
from services.gateway.web.fields import PRINTABLE, Whole, line, plain


class TokenBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.NEW_TOKEN]})

    name: Annotated[str, line(80), AfterValidator(plain), PRINTABLE] = Field(
        description="A name by which you will recognise the token."
    )
    expires_in_days: Whole = Field(90, ge=1, le=366)


class TokenResponse(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(None, description="When the token was last used, to the minute.")

    @classmethod
    def of(cls, record: ApiTokenRecord, **more: Any) -> Self:
        return cls.model_validate({**record, "id": record["_id"], **more})


class CreatedToken(TokenResponse):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.CREATED_TOKEN]})

    token: str = Field(description="The token itself, shown only in this answer.")


class TokenList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.TOKENS]})

    tokens: list[TokenResponse]
