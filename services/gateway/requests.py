"""What clients send."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.config import JsonDict, JsonValue

from kit.errors import InvalidURLError
from kit.sources import Frequency
from schemas.events import Options
from services.gateway import examples
from services.gateway.errors import InvalidRequestError

MAX_WAIT_SECONDS = 60
MAX_URLS = 50
MAX_LINK_CHARS = 2_048
# What `idempotency_key` takes, for the description: in quotes or not, and with spaces around it.
KEY_PATTERN = r'^ *"?[!#-~]([ -~]{0,253}[!#-~])?"? *$'


def _whole(sent: object) -> bool:
    """To JSON, 33.0 is an integer as well; "33" and true are none."""
    return isinstance(sent, float) and sent.is_integer()


Link = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINK_CHARS),
    Field(json_schema_extra={"format": "uri"}),
]
_LINK: TypeAdapter[str] = TypeAdapter(Link)
Showcase = Annotated[bool, Field(strict=True, description="Whether the project is shown on your public page.")]
Private = Annotated[bool, Field(strict=True, description="Whether only you can see the project.")]
Whole = Annotated[int, BeforeValidator(lambda sent: int(sent) if _whole(sent) else sent), Field(strict=True)]
AutoSync = Annotated[
    Literal[Frequency.DAILY, Frequency.WEEKLY] | None,
    Field(description="How often the imported link is synced from now on; without it, the link is not followed."),
]


def one_of(**types: str) -> JsonDict:
    """For a schema: exactly one of these fields is there, of that JSON type. null is as good as left out."""
    ways: list[JsonValue] = []
    for name in types:
        properties: JsonDict = {one: {"type": kind if one == name else "null"} for one, kind in types.items()}
        ways.append({"required": [name], "properties": properties})
    return {"oneOf": ways}


class ImportBody(BaseModel):
    """A link to import, with options."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.IMPORT]})

    url: Link
    is_showcase: Showcase = True
    is_private: Private = False
    auto_sync: AutoSync = None

    @property
    def options(self) -> Options:
        return Options(is_showcase=self.is_showcase, is_private=self.is_private)


class GitHubBody(BaseModel):
    """One link to a repository, or several at once, with options."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [examples.IMPORT, examples.REPOSITORIES],
            **one_of(url="string", urls="array"),
        },
    )

    url: Link | None = None
    urls: list[str] | None = Field(
        None, min_length=1, max_length=MAX_URLS, description="Links to repositories, each as in `url`."
    )
    is_showcase: Showcase = True
    is_private: Private = False
    auto_sync: AutoSync = None

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.url is None) == (self.urls is None):
            raise ValueError("send either `url` or `urls`")
        return self

    @property
    def options(self) -> Options:
        return Options(is_showcase=self.is_showcase, is_private=self.is_private)


class YouTubeBody(BaseModel):
    """A link to a video, with options."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.VIDEO]})

    video_url: Link
    is_showcase: Showcase = True


def link(text: str) -> str:
    """One of several, under the bounds of a single one. Raises `InvalidURLError`."""
    try:
        return _LINK.validate_python(text)
    except ValidationError:
        raise InvalidURLError(f"A link has 1 to {MAX_LINK_CHARS:,} characters.") from None


def wait_seconds(prefer: str | None) -> int | None:
    """The `wait=N` of a Prefer header (RFC 7240), at most `MAX_WAIT_SECONDS`; other preferences are not ours."""
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "wait" and value.isascii() and value.isdigit():
            return min(int(value[:6]), MAX_WAIT_SECONDS)
    return None


def idempotency_key(value: str | None) -> str | None:
    """The key as it was sent, quotes off. Raises `InvalidRequestError` when it is no such thing."""
    if value is None:
        return None
    key = value.strip().strip('"')
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise InvalidRequestError("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return key


def seen_version(last_event_id: str | None, version: int) -> int:
    """The version that a stream's client saw last; 0 if it names none, or one that does not exist yet."""
    text = last_event_id or ""
    seen = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return seen if seen <= version else 0
