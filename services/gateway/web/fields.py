"""Fields that several request bodies share."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.config import JsonDict, JsonValue

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


def line(max_length: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=max_length)


WebAddress = Annotated[
    str,
    StringConstraints(max_length=2_048),
    AfterValidator(_web_address),
    Field(json_schema_extra={"format": "uri"}, description="Of https."),
]


def _whole(sent: object) -> bool:
    """To JSON, 33.0 is an integer as well; "33" and true are none."""
    return isinstance(sent, float) and sent.is_integer()


Whole = Annotated[int, BeforeValidator(lambda sent: int(sent) if _whole(sent) else sent), Field(strict=True)]


def one_of(**types: str) -> JsonDict:
    """For a schema: exactly one of these fields is there, of that JSON type. null is as good as left out."""
    ways: list[JsonValue] = []
    for name in types:
        properties: JsonDict = {one: {"type": kind if one == name else "null"} for one, kind in types.items()}
        ways.append({"required": [name], "properties": properties})
    return {"oneOf": ways}


class Patch(BaseModel):
    """A PATCH body: a field that is left out stays as it is. Only those that are `nullable` take null."""

    model_config = ConfigDict(extra="forbid")
    nullable: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name not in cls.nullable:
            raise ValueError("cannot be null")
        return value
