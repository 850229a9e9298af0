"""The settings that make an importer talk to the sandbox instead of the world."""

from sandbox.oauth.model import CLIENTS
from sandbox.upstreams.github.webhooks import SECRET
from sandbox.upstreams.youtube import PROJECT


def environment(base: str) -> dict[str, str]:
    """Environment variables for `base`, the sandbox's address without a path."""
    clients: dict[str, str] = {}
    for name, one in CLIENTS.items():
        clients |= {f"{name.upper()}_CLIENT_ID": one.id, f"{name.upper()}_CLIENT_SECRET": one.secret}
    return {
        "GITHUB_API_URL": f"{base}/github",
        "GITHUB_OAUTH_URL": f"{base}/github.com/login/oauth",
        "GITHUB_OPENGRAPH_URL": f"{base}/opengraph",
        "YOUTUBE_API_URL": f"{base}/youtube/v3",
        "YOUTUBE_API_KEY": PROJECT,
        "YOUTUBE_FEEDS_URL": f"{base}/www.youtube.com/feeds",
        "WEBSUB_HUB_URL": f"{base}/pubsubhubbub.appspot.com/subscribe",
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GOOGLE_ACCOUNTS_URL": f"{base}/accounts.google.com",
        "GOOGLE_OAUTH_URL": f"{base}/oauth2.googleapis.com",
        "GOOGLE_OPENID_URL": f"{base}/openidconnect.googleapis.com",
        "GOOGLE_JWKS_URL": f"{base}/www.googleapis.com/oauth2/v3/certs",
        "GITLAB_URL": f"{base}/gitlab.com",
        "FIGMA_URL": f"{base}/www.figma.com",
        "FIGMA_API_URL": f"{base}/api.figma.com",
        **clients,
        # As generous as the sandbox is, until a test says otherwise
        "GITHUB_POINTS_PER_MINUTE": "5000000",
        "GITHUB_CONCURRENT_CALLS": "100000",
        "YOUTUBE_DAILY_UNITS": "5000000",
        "OPENAI_DAILY_USD_PER_MEMBER": "1000000",
        "OPENAI_DAILY_USD": "1000000",
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": "sandbox-key",
    }
