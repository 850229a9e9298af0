"""Requests to GitHub's REST API, with the member's token or the application's own credential."""

import base64
from collections.abc import Mapping
from dataclasses import replace

from integrations.client import AppCredential, Client
from integrations.github import errors
from integrations.github.limits import CALLS, CORE, POINTS, WINDOWS_IN_A_MINUTE, WITHOUT_CREDENTIAL
from integrations.github.settings import GitHubSettings
from kit.budgets import ANONYMOUS, Bucket, Slots
from kit.errors import ContentNotFoundError, ImportProblem
from kit.http import Response

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
HTML = "application/vnd.github.html+json"


class GitHubClient(Client[GitHubSettings]):
    name, title, noun = "github", "GitHub", "repository"
    api_url = "github_api_url"
    headers = {"accept": JSON, "x-github-api-version": "2022-11-28"}  # noqa: RUF012
    buckets = (CORE, POINTS)
    redirects = 5

    def app_credential(self) -> AppCredential | None:
        """Return the token, else the OAuth application's id and secret."""
        settings = self.settings
        if token := settings.github_token:
            return AppCredential("GITHUB_TOKEN", "authorization", f"Bearer {token.get_secret_value()}")
        if not settings.github_client_id or not settings.github_client_secret:
            return None
        pair = f"{settings.github_client_id}:{settings.github_client_secret.get_secret_value()}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return AppCredential("GITHUB_CLIENT_SECRET", "authorization", basic)

    def priced(self, account: str) -> tuple[Bucket, ...]:
        """A request costs one of the hour's and a point of the minute's."""
        points = max(1, self.settings.github_points_per_minute // WINDOWS_IN_A_MINUTE)
        return (WITHOUT_CREDENTIAL if account == ANONYMOUS else CORE), replace(POINTS, units=points)

    def thing(self, path: str, params: Mapping[str, str]) -> str:
        """Return /repos/OWNER/NAME, /repositories/ID or /user/repos."""
        parts = path.partition("?")[0].split("/")
        return "/".join(parts[: 4 if parts[1] == "repos" else 3])

    def slots(self) -> Slots:
        return replace(CALLS, count=self.settings.github_concurrent_calls)

    def is_blocked(self, response: Response) -> bool:
        return errors.is_blocked(response)

    def explain(self, response: Response) -> ImportProblem | None:
        return errors.explain(response, self.app_credential(), connected=self.connected)

    def not_found(self) -> ContentNotFoundError:
        return errors.not_found(connected=self.connected)
