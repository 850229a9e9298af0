"""Where the upstreams are, and the application's own credentials for them.

Every base address can be moved, so that GitHub Enterprise, a proxy or the sandbox can stand in.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from kit.settings import Settings

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$"), AfterValidator(lambda url: url.rstrip("/"))]


class IntegrationSettings(Settings):
    github_api_url: BaseUrl = "https://api.github.com"
    github_url: BaseUrl = "https://github.com"  # what members paste, and what projects link to
    github_opengraph_url: BaseUrl = "https://opengraph.githubassets.com"
    # 60 requests an hour without any of these; 5,000 with a token, or for public data with an OAuth app's id and secret
    github_token: SecretStr | None = None
    github_client_id: str = ""
    github_client_secret: SecretStr | None = None
    # Of each account; the hourly limit is in GitHub's answers
    github_points_per_minute: int = Field(900, ge=13)
    github_concurrent_calls: int = Field(100, ge=1)

    youtube_api_url: BaseUrl = "https://www.googleapis.com/youtube/v3"
    youtube_feeds_url: BaseUrl = "https://www.youtube.com/feeds"  # of channels, at /videos.xml; they cost no units
    youtube_api_key: SecretStr | None = None
    # Of the application's project, until midnight in California; Google grants more on request
    youtube_daily_units: int = Field(10_000, ge=1)
