"""Know every integration."""

from typing import Annotated

from integrations.registry import IntegrationRegistry
from services.gateway.web.provided import provided

RegistryDep = Annotated[IntegrationRegistry, provided(IntegrationRegistry)]
