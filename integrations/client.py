"""Authorised requests to one provider's API: whose credential they carry, what they cost, and what errors mean."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from integrations import own_credentials
from integrations.credentials import Credentials
from integrations.responses import malformed_response, too_many_until, unexpected_status
from kit.budgets import ANONYMOUS, APP, Bucket, Charge, Slots
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    TokenRefusedError,
)
from kit.http import Response
from kit.settings import Settings
from kit.upstream import Upstream


@dataclass(frozen=True, slots=True)
class AppCredential:
    """The application's own credential: the header that carries it, and the setting that holds it."""

    setting: str  # GITHUB_TOKEN
    header: str
    value: str


S = TypeVar("S", bound=Settings)


class Client(Generic[S]):
    """One provider's API, on behalf of one member or of the application.

    A provider declares the class variables, and overrides `explain` where an error needs more than its status.
    """

    name: ClassVar[str]  # of the integration, in events and in the API
    title: ClassVar[str]  # for people
    noun: ClassVar[str]  # what is imported, for people: repository
    api_url: ClassVar[str]  # the setting that holds the API's address
    headers: ClassVar[Mapping[str, str]] = {}  # of every request
    app_header: ClassVar[tuple[str, str] | None] = None  # a header, and the setting whose value it carries
    buckets: ClassVar[tuple[Bucket, ...]]  # a request costs one unit of each
    billed: ClassVar[Literal["account", "application"]] = "account"  # whose units are spent
    redirects: ClassVar[int] = 0

    def __init__(self, settings: S, http: Upstream, credentials: Credentials) -> None:
        self.settings = settings
        self.http = http
        self.credentials = credentials
        self.connected = credentials.token is not None

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "",
        also: Collection[int] = (),
        cut_at: int | None = None,
    ) -> Response:
        """Send one request. Returns a response of 200, or of a status in `also`. Raises the errors of `kit.errors`."""
        headers = {"accept": "application/json", **self.headers, **self.authorization()}
        response = await self.http.get(
            f"{getattr(self.settings, self.api_url)}{path}",
            service=self.title,
            headers=headers | ({"accept": accept} if accept else {}),
            params=params,
            redirects=self.redirects,
            cut_at=cut_at,
            charge=self.charge(self.thing(path, params or {})),
        )
        if response.status != 200 and response.status not in also:
            raise self.problem(response)
        return response

    async def get_object(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object that stands at `path`. Raises UpstreamUnavailableError where it is none."""
        found = (await self.get(path, params=params)).json()
        if not isinstance(found, dict):
            raise malformed_response(self.title)
        return found

    def app_credential(self) -> AppCredential | None:
        """Return the application's own credential; None without one."""
        header, setting = self.app_header or ("", "")
        secret = getattr(self.settings, setting, None)
        return AppCredential(setting.upper(), header, secret.get_secret_value()) if secret else None

    def authorization(self) -> dict[str, str]:
        """Return the headers that say on whose behalf a request is made."""
        if token := self.credentials.token:
            return {"authorization": f"Bearer {token.get_secret_value()}"}
        own = self.app_credential()
        return {own.header: own.value} if own else {}

    def charge(self, thing: str = "") -> Charge:
        """Return what one request costs, and which account pays."""
        who, account = self.credentials, APP
        if self.billed == "account":
            ours = APP if self.app_credential() else ANONYMOUS
            account = (who.account or f"member {who.user_id}") if self.connected else ours
        costs = tuple((bucket, 1) for bucket in self.priced(account))
        return Charge(account, costs, self.slots(), who.user_id, who.interactive, thing)

    def thing(self, path: str, params: Mapping[str, str]) -> str:
        """Return what is asked for, on whatever page: the provider may turn its requests away and answer others."""
        return path.partition("?")[0]

    def priced(self, account: str) -> tuple[Bucket, ...]:
        """Return the buckets that a request of this account spends, with the units that the settings allow."""
        return self.buckets

    def slots(self) -> Slots | None:
        """Return how many requests may be under way at once; None for any number."""
        return None

    def problem(self, response: Response) -> ImportProblem:
        """Return what an error response means: blocked, over a limit, the provider's own case, or its status."""
        now = self.http.now()
        if self.is_blocked(response):
            return ContentBlockedError(f"{self.title} has blocked this {self.noun}.")
        limited_until = self.buckets[0].limited_until or too_many_until
        if response.status in (403, 429) and (retry_at := limited_until(response, now)):
            return RateLimitError.resets(self.title, retry_at, now)
        return self.explain(response) or self._by_status(response)

    def is_blocked(self, response: Response) -> bool:
        return response.status == 451

    def explain(self, response: Response) -> ImportProblem | None:
        """Return the provider's own meaning of an error response; None where its status says enough."""
        return None

    def not_found(self) -> ContentNotFoundError:
        return ContentNotFoundError(f"{self.title} has no such {self.noun}, or it is private.")

    def _by_status(self, response: Response) -> ImportProblem:
        if response.status in (401, 403) and not self.connected and (own := self.app_credential()):
            reason = "unauthorized" if response.status == 401 else "forbidden"
            return own_credentials.refused(self.title, own.setting, reason)
        match response.status:
            case 401 if self.connected:
                return TokenRefusedError.reconnect(self.title, self.name, "{title} refused the connected account.")
            case 401:
                suggestion = f"Connect {self.title}, then retry the import."
                error = f"{self.title} shows this only to signed-in accounts."
                return IntegrationAuthError(error, action=f"connect_{self.name}", suggestion=suggestion)
            case 403:
                return IntegrationAuthError.reconnect(self.title, self.name, "{title} does not allow us to read this.")
            case 404 | 410:
                return self.not_found()
        return unexpected_status(response)
