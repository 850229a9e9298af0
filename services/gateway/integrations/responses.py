"""What clients get of the integrations."""

from pydantic import BaseModel, Field

from services.gateway.web import examples
from services.gateway.web.responses import like_example


class IntegrationResponse(BaseModel):
    name: str
    title: str = Field(description="The provider's name, to show to people.")
    supports_auto_sync: bool


class IntegrationList(BaseModel):
    model_config = like_example(examples.INTEGRATIONS)

    integrations: list[IntegrationResponse]
