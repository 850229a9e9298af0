"""Where the providers' OAuth endpoints are, and our applications' ids and secrets there.

A provider without a client id is not offered. Each address can be moved, so that a GitLab of one's own or the sandbox
can stand in.
"""

from datetime import timedelta

from pydantic import SecretStr

from integrations.registry import IntegrationSettings
from kit.settings import BaseUrl, Seconds


class ConnectionSettings(IntegrationSettings):
    # How long a provider has to refuse a member's account, again and again, before its tokens are erased and the member
    # is asked to connect it anew
    token_refused_for: Seconds = timedelta(minutes=30)

    gitlab_url: BaseUrl = "https://gitlab.com"
    gitlab_client_id: str = ""
    gitlab_client_secret: SecretStr | None = None

    figma_url: BaseUrl = "https://www.figma.com"
    figma_api_url: BaseUrl = "https://api.figma.com"
    figma_client_id: str = ""
    figma_client_secret: SecretStr | None = None

    huggingface_url: BaseUrl = "https://huggingface.co"
    huggingface_client_id: str = ""
    huggingface_client_secret: SecretStr | None = None

    dribbble_url: BaseUrl = "https://dribbble.com"
    dribbble_api_url: BaseUrl = "https://api.dribbble.com/v2"
    dribbble_client_id: str = ""
    dribbble_client_secret: SecretStr | None = None
