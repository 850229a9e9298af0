"""The providers that members can connect or sign in with: those of the integrations, and those that have none yet."""

from collections.abc import Mapping

from integrations.connections.settings import ConnectionSettings
from integrations.provider import Provider, Purpose, account
from integrations.registry import INTEGRATIONS

DRIBBBLE = Provider(  # https://developer.dribbble.com/v2/oauth/
    name="dribbble",
    title="Dribbble",
    authorize_url="{dribbble_url}/oauth/authorize",
    token_url="{dribbble_url}/oauth/token",  # noqa: S106
    account_url="{dribbble_api_url}/user",
    read_account=account(name="login", avatar_url="avatar_url", url="html_url"),
    scopes={Purpose.CONNECT: ("public",)},
)
FIGMA = Provider(  # https://developers.figma.com/docs/rest-api/authentication/
    name="figma",
    title="Figma",
    authorize_url="{figma_url}/oauth",
    token_url="{figma_api_url}/v1/oauth/token",  # noqa: S106
    refresh_url="{figma_api_url}/v1/oauth/refresh",
    account_url="{figma_api_url}/v1/me",
    read_account=account(name="handle", avatar_url="img_url"),
    scopes={Purpose.CONNECT: ("current_user:read", "file_metadata:read", "file_content:read")},
    client_auth="client_secret_basic",
    scope_separator=",",
    invalid_grant_status=400,
)
GITLAB = Provider(  # https://docs.gitlab.com/api/oauth2/
    name="gitlab",
    title="GitLab",
    authorize_url="{gitlab_url}/oauth/authorize",
    token_url="{gitlab_url}/oauth/token",  # noqa: S106
    revoke_url="{gitlab_url}/oauth/revoke",
    account_url="{gitlab_url}/api/v4/user",
    read_account=account(name="username", display_name="name", avatar_url="avatar_url", url="web_url"),
    scopes={Purpose.CONNECT: ("read_api",)},
    issuer="{gitlab_url}",
)
HUGGING_FACE = Provider(  # https://huggingface.co/docs/hub/oauth
    name="huggingface",
    title="Hugging Face",
    authorize_url="{huggingface_url}/oauth/authorize",
    token_url="{huggingface_url}/oauth/token",  # noqa: S106
    account_url="{huggingface_url}/oauth/userinfo",
    read_account=account(id="sub", name="preferred_username", display_name="name", avatar_url="picture", url="profile"),
    scopes={Purpose.CONNECT: ("openid", "profile")},
    issuer="{huggingface_url}",
    client_auth="client_secret_basic",
)


def build_providers(settings: ConnectionSettings) -> Mapping[str, Provider]:
    """Return those that have a client id and a secret, by name and sorted by it."""
    of_integrations = (row for integration in INTEGRATIONS for row in integration.oauth)
    rows = sorted((DRIBBBLE, FIGMA, GITLAB, HUGGING_FACE, *of_integrations), key=lambda row: row.name)
    return {row.name: row for provider in rows if (row := provider.configured(settings))}
