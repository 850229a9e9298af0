"""The body of every error."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.gateway.web import examples


def like_example(example: examples.Example) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class ErrorResponse(BaseModel):
    """The body of every error. Some have more fields: `project_url` for a duplicate, `retry_at` where waiting helps."""

    model_config = ConfigDict(extra="allow")

    success: Literal[False] = False
    error: str
    error_code: str
    action: str
    suggestion: str
