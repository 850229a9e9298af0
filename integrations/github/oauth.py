"""GitHub's OAuth application. https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"""

from integrations.provider import Provider, Purpose, account

_READ = ("user", "user:email")
_GRANT_URL = "{github_api_url}/applications/{github_client_id}/token"

GITHUB = Provider(
    name="github",
    title="GitHub",
    authorize_url="{github_oauth_url}/authorize",
    token_url="{github_oauth_url}/access_token",  # noqa: S106
    account_url="{github_api_url}/user",
    revoke_url=_GRANT_URL,
    check_url=_GRANT_URL,
    revoked_by="DELETE",
    read_account=account(name="login", avatar_url="avatar_url", url="html_url"),
    scopes={Purpose.SIGN_IN: ("read:user",), Purpose.CONNECT: _READ, Purpose.PRIVATE: (*_READ, "repo")},
    issuer="{github_oauth_url}",
    # GitHub names only the widest of the scopes that it granted
    implied={
        "user": frozenset({"read:user", "user:email", "user:follow"}),
        "repo": frozenset({"repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"}),
    },
)
