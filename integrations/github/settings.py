"""Settings of GitHub. The addresses can be those of a GitHub Enterprise, a proxy or the sandbox."""

from pydantic import Field, SecretStr

from kit.settings import BaseUrl, Settings


class GitHubSettings(Settings):
    github_api_url: BaseUrl = "https://api.github.com"
    github_url: BaseUrl = "https://github.com"  # what members paste, and what projects link to
    github_opengraph_url: BaseUrl = "https://opengraph.githubassets.com"
    github_oauth_url: BaseUrl = "https://github.com/login/oauth"
    # 60 requests an hour without any of these; 5,000 with a token, or for public data with an OAuth app's id and secret
    github_token: SecretStr | None = None
    github_client_id: str = ""
    github_client_secret: SecretStr | None = None
    # Of each account; the hourly limit is in GitHub's answers
    github_points_per_minute: int = Field(900, ge=13)
    github_concurrent_calls: int = Field(100, ge=1)
