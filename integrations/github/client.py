"""Requests to GitHub's REST API, with the member's token or the application's own credential."""

import base64
from collections.abc import Collection
from dataclasses import replace

from integrations.base import Credentials
from integrations.github.errors import own_credential, problem
from integrations.github.limits import TITLE, charge
from integrations.settings import IntegrationSettings
from kit.http import Response
from kit.upstream import Upstream

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
HTML = "application/vnd.github.html+json"


class GitHubAPI:
    def __init__(self, settings: IntegrationSettings, http: Upstream, credentials: Credentials) -> None:
        self._settings = settings
        self._http = http
        self._credentials = credentials
        self.connected = credentials.token is not None
        self._charge = charge(credentials, settings)
        self._headers = {"x-github-api-version": "2022-11-28", **_authorization(credentials, settings)}

    async def get(
        self, path: str, accept: str = JSON, *, cut_at: int | None = None, also: Collection[int] = ()
    ) -> Response:
        """An answer of 200, or of a status in `also`. Raises what the others mean."""
        response = await self._http.get(
            self._settings.github_api_url + path,
            service=TITLE,
            headers={"accept": accept, **self._headers},
            redirects=5,
            cut_at=cut_at,
            charge=replace(self._charge, thing=_thing(path)),
        )
        if response.status != 200 and response.status not in also:
            own = own_credential(self._settings)
            raise problem(response, self._http.now(), credentials=self._credentials, own=own)
        return response


def _thing(path: str) -> str:
    """/repos/OWNER/NAME, /repositories/ID or /user/repos, whatever of it is asked for."""
    parts = path.partition("?")[0].split("/")
    return "/".join(parts[: 4 if parts[1] == "repos" else 3])


def _authorization(credentials: Credentials, settings: IntegrationSettings) -> dict[str, str]:
    if token := credentials.token or settings.github_token:
        return {"authorization": f"Bearer {token.get_secret_value()}"}
    if settings.github_client_id and settings.github_client_secret:
        pair = f"{settings.github_client_id}:{settings.github_client_secret.get_secret_value()}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
