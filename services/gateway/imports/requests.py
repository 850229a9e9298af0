"""What clients send."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from kit.errors import InvalidURLError
from records.sources.record import Frequency
from schemas.events import Options
from services.gateway.web import examples
from services.gateway.web.fields import one_of

MAX_URLS = 50
MAX_LINK_CHARS = 2_048


Link = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINK_CHARS),
    Field(json_schema_extra={"format": "uri"}),
]
_LINK: TypeAdapter[str] = TypeAdapter(Link)
Showcase = Annotated[bool, Field(strict=True, description="Whether the project is shown on your public page.")]
Private = Annotated[bool, Field(strict=True, description="Whether only you can see the project.")]
AutoSync = Annotated[
    Literal[Frequency.DAILY, Frequency.WEEKLY] | None,
    Field(description="How often the imported link is synced from now on; without it, the link is not followed."),
]


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
