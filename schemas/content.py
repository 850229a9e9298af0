"""What travels inside the events: an `Item` (fetched), its `Analysis`, and the `Project` made of both.

Lengths are bounds on what a hostile upstream can push through the pipeline; adapters cut, models refuse.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
)

MAX_TEXT_CHARS = 1_048_576  # a README of 1 MiB passes whole
MAX_HTML_CHARS = 4 * MAX_TEXT_CHARS
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

# A word of an open vocabulary: writers use the known ones, readers accept any, so that a new one breaks nobody.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
# What a text is written in: `markdown`, with absolute links; `plain`; or a format that its upstream renders, as `rst`.
# An open vocabulary: a reader that does not know the format shows the text as it is written.
TextFormat = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+-]{1,40}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2_048)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # what the store can hold
# A point in time. At the ends of the calendar it may have no place in UTC, nor in the store, and nothing can be added.
Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST), AfterValidator(lambda moment: moment.astimezone(UTC))]
ExternalId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
FactText = Annotated[str, StringConstraints(max_length=2_048)]
Fact = FactText | bool | Int64 | FiniteFloat | Annotated[tuple[FactText, ...], Field(max_length=50)] | None
# A key that a document cannot have would be everybody's trouble.
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
Facts = Annotated[dict[FactName, Fact], Field(max_length=40)]


class Frozen(BaseModel):
    """Immutable; fields unknown to this version are ignored, so that newer producers do not break us."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Video(Frozen):
    provider: Annotated[str, StringConstraints(max_length=40)]
    video_id: Annotated[str, StringConstraints(max_length=100)]
    embeddable: bool = True  # its provider's player shows it on other sites


class ProjectType(StrEnum):
    """The known project types; events may name others (`AnyProjectType`)."""

    LIBRARY = "library"
    APPLICATION = "application"
    TOOL = "tool"
    FRAMEWORK = "framework"
    SERVICE = "service"
    DATASET = "dataset"
    DOCUMENTATION = "documentation"
    TUTORIAL = "tutorial"
    ARTICLE = "article"
    DESIGN = "design"
    MODEL = "model"
    SPACE = "space"
    PODCAST = "podcast"
    VIDEO = "video"
    OTHER = "other"


class Item(Frozen):
    """One item from an upstream, in fields that are the same for every provider."""

    integration: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
    # The upstream's own id: with integration and user the identity of the project, whatever its link is. Empty where
    # there is none; then the link alone is.
    external_id: ExternalId = ""
    url: Url  # canonical: one spelling for each link
    external_url: Url | None = None  # the same page as its provider spells it, for people; else `url`
    kind: Word  # the project's type, such as github_repo; where it is one of `ProjectType`, it is also that
    title: Name
    full_name: Name  # what the model is told: owner/name, or the title
    description: Annotated[str, StringConstraints(max_length=5_000)] = ""
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] = ""  # as its author wrote it
    text_format: TextFormat = "markdown"
    text_html: Annotated[str, StringConstraints(max_length=MAX_HTML_CHARS)] | None = None  # see `TextBlock.html`
    language: Annotated[str, StringConstraints(max_length=60)] | None = None
    languages: tuple[Tag, ...] = Field(default=(), max_length=50)  # most used first
    topics: tuple[Tag, ...] = Field(default=(), max_length=50)
    image_url: Url | None = None
    picture_as: Literal["banner", "featured"] = "banner"  # where the project shows `image_url`
    description_by: Literal["analysis", "author"] = "analysis"  # whose description the project shows, if there is one
    images: tuple[Url, ...] = Field(default=(), max_length=50)  # more pictures, for a gallery
    video: Video | None = None
    audio_url: Url | None = None
    embed_url: Url | None = None  # a page that its provider lets other sites show in a frame
    is_private: bool = False
    metadata: Facts = Field(default_factory=dict)
    seen_at: Instant | None = None  # when the upstream said so: what was seen later is never overwritten by it
    formerly: Url | None = None  # its canonical link before it was renamed; its project moves along

    @property
    def own_type(self) -> ProjectType | None:
        """The project type that `kind` names; None where it names none."""
        return next((known for known in ProjectType if known == self.kind), None)


AnyProjectType = Annotated[ProjectType | Word, Field(union_mode="left_to_right")]


class Analysis(Frozen):
    """What the model, or the extractive fallback, says of an item. Plain text, never markup."""

    description: Annotated[str, StringConstraints(max_length=1_000)]
    technologies: tuple[Tag, ...] = Field(default=(), max_length=12)
    project_type: AnyProjectType = ProjectType.OTHER
    source: Literal["model", "extractive"]
    degraded: bool = False  # extractive because the model failed: it is worth trying again
    model: Annotated[str, StringConstraints(max_length=100)] | None = None


class CoverBlock(Frozen):
    type: Literal["cover"] = "cover"
    title: Name
    banner_url: Url | None = None


class VideoBlock(Frozen):
    type: Literal["video"] = "video"
    provider: Annotated[str, StringConstraints(max_length=40)]
    video_id: Annotated[str, StringConstraints(max_length=100)]


class AudioBlock(Frozen):
    type: Literal["audio"] = "audio"
    url: Url


class EmbedBlock(Frozen):
    """A page of the provider's own that may be shown in a frame."""

    type: Literal["embed"] = "embed"
    url: Url


class GalleryBlock(Frozen):
    type: Literal["gallery"] = "gallery"
    image_urls: tuple[Url, ...] = Field(max_length=50)


class TextBlock(Frozen):
    """A text as its author wrote it, and rendered.

    In a stored project `html` is set and safe to show. In an event it is set only where the upstream rendered the text,
    and must be sanitised before it is shown.
    """

    type: Literal["text"] = "text"
    content: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
    format: TextFormat = "markdown"
    html: Annotated[str, StringConstraints(max_length=MAX_HTML_CHARS)] | None = None


KnownBlock = Annotated[
    CoverBlock | VideoBlock | AudioBlock | EmbedBlock | GalleryBlock | TextBlock, Field(discriminator="type")
]


def _new_type(name: str) -> str:
    if name in {"cover", "video", "audio", "embed", "gallery", "text"}:
        raise ValueError("a block of this type has other fields")
    return name


class UnknownBlock(Frozen):
    """A block of a type that a later version has added. Readers pass over it."""

    type: Annotated[Word, AfterValidator(_new_type)]


Block = Annotated[KnownBlock | UnknownBlock, Field(union_mode="left_to_right")]


class Content(Frozen):
    """The blocks of a project's page, without those of a type that this version does not know."""

    blocks: Annotated[
        tuple[Block, ...],
        AfterValidator(lambda blocks: tuple(block for block in blocks if not isinstance(block, UnknownBlock))),
    ] = Field(default=(), max_length=50)


class Project(Frozen):
    """A finished portfolio page, before the store gives it an id and a slug."""

    type: Word
    title: Name
    description: Annotated[str, StringConstraints(max_length=5_000)]
    external_url: Url  # the provider's own address; what it stands under here is the event's `url`
    is_showcase: bool
    is_private: bool
    banner_url: Url | None = None
    featured_image_url: Url | None = None
    content: Content
    technologies: tuple[Tag, ...] = Field(default=(), max_length=50)
    project_type: AnyProjectType
    analysis_source: Literal["model", "extractive"]
    analysis_degraded: bool = False  # as its analysis is
    metadata: Facts = Field(default_factory=dict)
    platform: Annotated[str, StringConstraints(max_length=40)] | None = None  # the integration that it came through
    external_id: ExternalId = ""  # the upstream's own, as that of its item
    seen_at: Instant | None = None
    formerly: Url | None = None
    source_private: bool = False  # at its upstream: nobody but its owner sees it then, whatever they choose here
