"""The providers, sorted by name, as rows of data. To add one: a row here, its settings, its token answers as tests.

Google has two rows over one application: `youtube` is what an import reads from, `google` is who somebody is. So
each consent asks for no more than it needs, and each has a callback of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from integrations.coerce import as_line
from integrations.connections.model import Account, Provider, Purpose
from integrations.connections.settings import ConnectionSettings

__all__ = ["ConnectionSettings", "build_providers"]

YOUTUBE_READ = "https://www.googleapis.com/auth/youtube.readonly"
GITHUB_READ = ("user", "user:email")


def build_providers(settings: ConnectionSettings) -> Mapping[str, Provider]:
    """By name; only those that have a client id and a secret."""
    rows = (_dribbble, _figma, _github, _gitlab, _google, _huggingface, _youtube)
    providers = (row(settings) for row in rows)
    return {it.name: it for it in providers if it.client_id and it.client_secret.get_secret_value()}


def _dribbble(s: ConnectionSettings) -> Provider:
    """https://developer.dribbble.com/v2/oauth/"""
    return Provider(
        name="dribbble",
        title="Dribbble",
        client_id=s.dribbble_client_id,
        client_secret=_secret(s.dribbble_client_secret),
        authorize_url=f"{s.dribbble_url}/oauth/authorize",
        token_url=f"{s.dribbble_url}/oauth/token",
        account_url=f"{s.dribbble_api_url}/user",
        read_account=_account(name="login", avatar_url="avatar_url", url="html_url"),
        scopes={Purpose.CONNECT: ("public",)},
    )


def _figma(s: ConnectionSettings) -> Provider:
    """https://developers.figma.com/docs/rest-api/authentication/"""
    return Provider(
        name="figma",
        title="Figma",
        client_id=s.figma_client_id,
        client_secret=_secret(s.figma_client_secret),
        authorize_url=f"{s.figma_url}/oauth",
        token_url=f"{s.figma_api_url}/v1/oauth/token",
        refresh_url=f"{s.figma_api_url}/v1/oauth/refresh",
        account_url=f"{s.figma_api_url}/v1/me",
        read_account=_account(name="handle", avatar_url="img_url"),
        scopes={Purpose.CONNECT: ("current_user:read", "file_metadata:read", "file_content:read")},
        client_auth="client_secret_basic",
        scope_separator=",",
        invalid_grant_status=400,
    )


def _github(s: ConnectionSettings) -> Provider:
    """https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"""
    return Provider(
        name="github",
        title="GitHub",
        client_id=s.github_client_id,
        client_secret=_secret(s.github_client_secret),
        authorize_url=f"{s.github_oauth_url}/authorize",
        token_url=f"{s.github_oauth_url}/access_token",
        account_url=f"{s.github_api_url}/user",
        revoke_url=f"{s.github_api_url}/applications/{s.github_client_id}/token",
        check_url=f"{s.github_api_url}/applications/{s.github_client_id}/token",
        revoked_by="DELETE",
        read_account=_account(name="login", avatar_url="avatar_url", url="html_url"),
        scopes={
            Purpose.SIGN_IN: ("read:user",),
            Purpose.CONNECT: GITHUB_READ,
            Purpose.PRIVATE: (*GITHUB_READ, "repo"),
        },
        issuer=s.github_oauth_url,
        # GitHub names only the widest of the scopes that it granted
        implied={
            "user": frozenset({"read:user", "user:email", "user:follow"}),
            "repo": frozenset({"repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"}),
        },
    )


def _gitlab(s: ConnectionSettings) -> Provider:
    """https://docs.gitlab.com/api/oauth2/"""
    return Provider(
        name="gitlab",
        title="GitLab",
        client_id=s.gitlab_client_id,
        client_secret=_secret(s.gitlab_client_secret),
        authorize_url=f"{s.gitlab_url}/oauth/authorize",
        token_url=f"{s.gitlab_url}/oauth/token",
        revoke_url=f"{s.gitlab_url}/oauth/revoke",
        account_url=f"{s.gitlab_url}/api/v4/user",
        read_account=_account(name="username", display_name="name", avatar_url="avatar_url", url="web_url"),
        scopes={Purpose.CONNECT: ("read_api",)},
        issuer=s.gitlab_url,
    )


def _google(s: ConnectionSettings) -> Provider:
    return _google_row(
        s,
        name="google",
        title="Google",
        scopes={Purpose.SIGN_IN: ("openid", "profile")},
        authorize_params={"prompt": "select_account"},
    )


def _huggingface(s: ConnectionSettings) -> Provider:
    """https://huggingface.co/docs/hub/oauth"""
    return Provider(
        name="huggingface",
        title="Hugging Face",
        client_id=s.huggingface_client_id,
        client_secret=_secret(s.huggingface_client_secret),
        authorize_url=f"{s.huggingface_url}/oauth/authorize",
        token_url=f"{s.huggingface_url}/oauth/token",
        account_url=f"{s.huggingface_url}/oauth/userinfo",
        read_account=_account(
            id="sub", name="preferred_username", display_name="name", avatar_url="picture", url="profile"
        ),
        scopes={Purpose.CONNECT: ("openid", "profile")},
        issuer=s.huggingface_url,
        client_auth="client_secret_basic",
    )


def _youtube(s: ConnectionSettings) -> Provider:
    return _google_row(
        s,
        name="youtube",
        title="YouTube",
        scopes={Purpose.CONNECT: ("openid", "profile", YOUTUBE_READ)},
        # a refresh token comes only with `offline`, and for somebody who consented before only with a new consent
        authorize_params={"access_type": "offline", "prompt": "consent"},
    )


def _google_row(
    s: ConnectionSettings,
    *,
    name: str,
    title: str,
    scopes: Mapping[Purpose, tuple[str, ...]],
    authorize_params: Mapping[str, str],
) -> Provider:
    """https://developers.google.com/identity/protocols/oauth2/web-server"""
    return Provider(
        name=name,
        title=title,
        client_id=s.google_client_id,
        client_secret=_secret(s.google_client_secret),
        authorize_url=f"{s.google_accounts_url}/o/oauth2/v2/auth",
        token_url=f"{s.google_oauth_url}/token",
        revoke_url=f"{s.google_oauth_url}/revoke",
        revokes_all=True,
        account_url=f"{s.google_openid_url}/v1/userinfo",
        jwks_url=s.google_jwks_url,
        read_account=_account(id="sub", name="name", display_name="name", avatar_url="picture"),
        scopes=scopes,
        authorize_params=authorize_params,
        issuer=s.google_accounts_url,
        # Google answers with the long names of what was asked for by the short ones
        implied={"https://www.googleapis.com/auth/userinfo.profile": frozenset({"profile"})},
    )


def _account(
    *, name: str, id: str = "id", display_name: str = "name", avatar_url: str = "", url: str = ""
) -> Callable[[Mapping[str, Any]], Account]:
    """Reads an account by the names that a provider gives its fields."""

    def read(body: Mapping[str, Any]) -> Account:
        account_id = _text(body.get(id))
        return Account(
            id=account_id,
            name=_text(body.get(name)) or account_id,
            display_name=_text(body.get(display_name)),
            avatar_url=_https(_text(body.get(avatar_url))),
            url=_https(_text(body.get(url))),
        )

    return read


def _text(value: Any) -> str:
    return str(value) if type(value) is int else as_line(value)


def _https(url: str) -> str:
    return url if url.startswith("https://") else ""


def _secret(value: SecretStr | None) -> SecretStr:
    return value or SecretStr("")
