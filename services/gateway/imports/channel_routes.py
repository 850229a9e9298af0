"""A whole channel is imported, and followed."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.responses import Response

from integrations.registry import IntegrationRegistry
from kit.errors import InvalidURLError
from schemas.events import Options
from services.gateway.auth.dependencies import CallerDep
from services.gateway.imports.channels import ChannelImportsDep, NewChannel
from services.gateway.imports.idempotency import idempotency_key
from services.gateway.imports.requests import Link, Showcase
from services.gateway.imports.routes import RESPONSES, Key, acceptance, limit_headers
from services.gateway.imports.submissions import misplaced
from services.gateway.integrations.service import RegistryDep
from services.gateway.rate_limits.limits import CHANNELS, MemberLimitsDep
from services.gateway.tasks.batch_responses import AcceptedBatch
from services.gateway.web import examples
from services.gateway.web.fields import Whole, one_of
from services.gateway.web.openapi import errors, imported_channel

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ChannelBody(BaseModel):
    """A channel, by its link or by its id or handle, and what to do with its videos."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [examples.CHANNEL], **one_of(channel_url="string", channel_id="string")},
    )

    channel_url: Link | None = None
    channel_id: Name | None = Field(None, description="The channel's id (UC…) or its handle.")
    max_videos: Whole = Field(
        50,
        ge=1,
        le=50,
        description="How many of the channel's latest videos are imported; hidden ones count too.",
    )
    is_showcase: Showcase = True

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.channel_url is None) == (self.channel_id is None):
            raise ValueError("send either `channel_url` or `channel_id`")
        return self


PROVIDER = "youtube"  # whose address this is

router = APIRouter(prefix=f"/api/v1/integrations/{PROVIDER}", tags=["imports"])


@router.post(
    "/import-channel/",
    status_code=202,
    response_model=AcceptedBatch,
    responses={202: RESPONSES[202], **errors(400, 403, 404, 413, 424, 429, 502), 409: imported_channel()},
)
async def import_channel(
    body: ChannelBody,
    channels: ChannelImportsDep,
    registry: RegistryDep,
    limits: MemberLimitsDep,
    caller: CallerDep,
    key: Key = None,
) -> Response:
    """Import a YouTube channel's latest videos as children of one task, and follow it from now on.

    The task has no children until the channel has been read. What is deleted or private is named in `refused`.
    """
    name = body.channel_url or body.channel_id or ""
    options = Options(is_showcase=body.is_showcase)
    new = NewChannel(caller, name, PROVIDER, options, body.max_videos, idempotency_key(key))
    try:
        record = await channels.accept(new)
    except InvalidURLError as error:
        raise _no_channel(registry, name, error) from None
    return acceptance(AcceptedBatch.of(record), await limit_headers(limits, caller, CHANNELS))


def _no_channel(registry: IntegrationRegistry, name: str, error: InvalidURLError) -> InvalidURLError:
    """A link of something else that can be imported is told where."""
    try:
        return misplaced(registry.recognise(name).integration, "links to YouTube channels")
    except InvalidURLError:
        return error
