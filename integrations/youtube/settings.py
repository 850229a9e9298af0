"""Settings of YouTube, and of Google, at which its application is registered."""

from pydantic import Field, SecretStr

from kit.settings import BaseUrl, Settings


class YouTubeSettings(Settings):
    youtube_api_url: BaseUrl = "https://www.googleapis.com/youtube/v3"
    youtube_feeds_url: BaseUrl = "https://www.youtube.com/feeds"  # of channels, at /videos.xml; they cost no units
    youtube_api_key: SecretStr | None = None
    # Of the application's project, until midnight in California; Google grants more on request
    youtube_daily_units: int = Field(10_000, ge=1)

    google_client_id: str = ""
    google_client_secret: SecretStr | None = None
    google_accounts_url: BaseUrl = "https://accounts.google.com"
    google_oauth_url: BaseUrl = "https://oauth2.googleapis.com"
    google_openid_url: BaseUrl = "https://openidconnect.googleapis.com"
    google_jwks_url: BaseUrl = "https://www.googleapis.com/oauth2/v3/certs"
