"""Google's OAuth application, in two rows: `youtube` is what an import reads from, `google` is who somebody is.

So each consent asks for no more than it needs, and each has a callback of its own.
https://developers.google.com/identity/protocols/oauth2/web-server
"""

from dataclasses import replace

from integrations.provider import Provider, Purpose, account

YOUTUBE_READ = "https://www.googleapis.com/auth/youtube.readonly"

GOOGLE = Provider(
    name="google",
    title="Google",
    application="google",
    authorize_url="{google_accounts_url}/o/oauth2/v2/auth",
    token_url="{google_oauth_url}/token",  # noqa: S106
    revoke_url="{google_oauth_url}/revoke",
    revokes_all=True,
    account_url="{google_openid_url}/v1/userinfo",
    jwks_url="{google_jwks_url}",
    read_account=account(id="sub", name="name", display_name="name", avatar_url="picture"),
    scopes={Purpose.SIGN_IN: ("openid", "profile")},
    authorize_params={"prompt": "select_account"},
    issuer="{google_accounts_url}",
    # Google answers with the long names of what was asked for by the short ones
    implied={"https://www.googleapis.com/auth/userinfo.profile": frozenset({"profile"})},
)
YOUTUBE = replace(
    GOOGLE,
    name="youtube",
    title="YouTube",
    scopes={Purpose.CONNECT: ("openid", "profile", YOUTUBE_READ)},
    # a refresh token comes only with `offline`, and for somebody who consented before only with a new consent
    authorize_params={"access_type": "offline", "prompt": "consent"},
)
