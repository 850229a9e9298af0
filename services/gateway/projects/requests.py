"""What clients send about a project."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from services.gateway.web import examples
from services.gateway.web.fields import PRINTABLE, Patch
from services.gateway.web.responses import like_example


def _prose(text: str) -> str:
    """Lines of plain text."""
    if not all(line.isprintable() for line in text.replace("\t", " ").splitlines()):
        raise ValueError("contains characters that cannot be shown")
    return text


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(_prose), PRINTABLE
]


Description = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=5_000), AfterValidator(_prose), PRINTABLE
]


class ProjectPatch(Patch):
    """The fields to change; a field that is left out stays as it is."""

    model_config = like_example(examples.PROJECT_PATCH)
    nullable = frozenset({"title", "description"})

    title: Title | None = Field(None, description="The project's title; null takes the upstream's.")
    description: Description | None = Field(None, description="The project's description; null takes the upstream's.")
    is_private: Annotated[bool, Field(strict=True)] | SkipJsonSchema[None] = Field(
        None, description="Whether only you can see the project."
    )
    is_showcase: Annotated[bool, Field(strict=True)] | SkipJsonSchema[None] = Field(
        None, description="Whether the project is shown on your public page."
    )
