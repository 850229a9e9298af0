"""Whose fault a refusal is: of what was asked for, of the member's account, or of the application's own credential."""

from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from structlog.testing import capture_logs

from integrations.credentials import Credentials
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    CredentialRefusedError,
    ImportProblem,
    IntegrationAuthError,
    Outcome,
    RateLimitError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from tests.unit.integrations.answers import World, reply

MEMBER, OURS = Credentials(SecretStr("member-token")), Credentials()
REPO, VIDEOS = "/repos/quill-example/inkwell", "/youtube/v3/videos"
LINKS = {REPO: "https://github.com/quill-example/inkwell", VIDEOS: "https://youtu.be/quillInk001"}
KEYS = {"github_token": "ghp_application", "youtube_api_key": "key-of-the-application"}


async def refusal(answer: httpx2.Response, credentials: Credentials, at: str, **settings: str) -> ImportProblem:
    world = World({at: answer}, settings=settings or KEYS)
    with pytest.raises(ImportProblem) as caught:
        await world.fetch(LINKS[at], credentials)
    return caught.value


def message(text: str, status: int = 403, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
    return reply(status, {"message": text, **more}, headers)


def reasons(status: int, *names: str) -> httpx2.Response:
    entries, details = [], []
    for name in names:
        if name.isupper():
            details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name})
        else:
            entries.append({"domain": "global", "reason": name})
    return reply(status, {"error": {"code": status, "message": "…", "errors": entries, "details": details}})


# Blocked: nobody sees it, whatever account asks


@pytest.mark.parametrize("credentials", [MEMBER, OURS])
@pytest.mark.parametrize(
    "answer",
    [
        message("Repository access blocked", block={"reason": "tos", "html_url": "https://github.com/tos"}),
        message("Repository access blocked", 451, block={"reason": "dmca"}),
        message("Repository access blocked"),
        message("This repository has been disabled.", block=None),
        message("Nothing to see here.", block={"reason": "sensitive_data"}),
        message("Unavailable", 451),
        reply(451, b"<html>"),
        message("Repository access blocked", headers={"x-github-sso": "partial-results; organizations=1"}),
    ],
)
async def test_what_github_has_blocked_is_not_there_for_any_account(
    answer: httpx2.Response, credentials: Credentials
) -> None:
    error = await refusal(answer, credentials, REPO)
    assert type(error) is ContentBlockedError
    assert (error.error_code, error.action) == ("CONTENT_NOT_FOUND", "check_url")
    assert "connect" not in str(error.body()).lower()


@pytest.mark.parametrize("credentials", [MEMBER, OURS])
@pytest.mark.parametrize("reason", ["channelClosed", "channelSuspended"])
async def test_a_channel_that_is_closed_is_closed_for_every_account(reason: str, credentials: Credentials) -> None:
    assert type(await refusal(reasons(403, reason), credentials, VIDEOS)) is ContentBlockedError


async def test_a_name_in_a_message_is_no_block() -> None:
    answer = message("The `repository access blocked` organization has an IP allow list enabled.")
    assert "IP allow list" in (await refusal(answer, MEMBER, REPO)).error


# Of the member's account


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (message("x", headers={"x-github-sso": "required; url=https://x"}), "single sign-on"),
        (
            message("The `inks` organization has an IP allow list, and 192.0.2.1 is not on it."),
            "our address is not on it",
        ),
        (message("Although … `inks` has enabled OAuth App access restrictions, …"), "not approved our application"),
        (message("Sorry. Your account was suspended."), "suspended"),
        (message("Resource not accessible by integration"), "does not allow us to read"),
        (reply(403, b"<html>"), "does not allow us to read"),
    ],
)
async def test_what_stops_a_members_account_at_github_is_named(answer: httpx2.Response, words: str) -> None:
    error = await refusal(answer, MEMBER, REPO)
    assert type(error) is IntegrationAuthError
    assert words in error.error
    assert error.action == "connect_github"


@pytest.mark.parametrize(
    ("scopes", "hint"), [("read:user", "with private"), ("repo, user", "may see"), (None, "may see"), ("", "with priv")]
)
async def test_a_missing_scope_is_named_where_nothing_is_found(scopes: str | None, hint: str) -> None:
    headers = {} if scopes is None else {"x-oauth-scopes": scopes}
    error = await refusal(message("Not Found", 404, headers), MEMBER, REPO)
    assert type(error) is ContentNotFoundError
    assert hint in error.suggestion


@pytest.mark.parametrize("names", [("insufficientPermissions",), ("forbidden", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")])
async def test_a_missing_scope_at_youtube_is_named(names: tuple[str, ...]) -> None:
    error = await refusal(reasons(403, *names), MEMBER, VIDEOS)
    assert type(error) is IntegrationAuthError
    assert "permission" in error.error


async def test_a_token_that_is_refused_is_the_members() -> None:
    assert type(await refusal(message("Bad credentials", 401), MEMBER, REPO)) is TokenRefusedError
    assert type(await refusal(reasons(401, "authError"), MEMBER, VIDEOS)) is TokenRefusedError
    assert type(await refusal(reasons(403, "forbidden"), MEMBER, VIDEOS)) is IntegrationAuthError


async def test_too_many_failed_log_ins_are_waited_out() -> None:
    answer = message("Maximum number of login attempts exceeded. Please try again later.")
    assert type(await refusal(answer, MEMBER, REPO)) is UpstreamUnavailableError


# Of our own credential


def counted(setting: str, reason: str) -> float:
    labels = {"setting": setting, "reason": reason}
    return REGISTRY.get_sample_value("thrive_credential_refusals_total", labels) or 0


async def blames_us(answer: httpx2.Response, credentials: Credentials, at: str, setting: str, reason: str) -> None:
    before = counted(setting, reason)
    with capture_logs() as logs:
        error = await refusal(answer, credentials, at)
    assert type(error) is CredentialRefusedError
    assert (error.outcome, error.error_code) == (Outcome.DEFER, "UPSTREAM_UNAVAILABLE")
    assert "connect" not in str(error.body())
    assert [(it["setting"], it["reason"]) for it in logs if it["log_level"] == "error"] == [(setting, reason)]
    assert counted(setting, reason) == before + 1


@pytest.mark.parametrize("credentials", [OURS, MEMBER])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reasons(400, "keyInvalid"), "keyinvalid"),
        (reasons(400, "badRequest", "API_KEY_INVALID"), "api_key_invalid"),
        (reasons(400, "keyExpired"), "keyexpired"),
        (reasons(403, "ipRefererBlocked"), "iprefererblocked"),
        (reasons(403, "forbidden", "API_KEY_HTTP_REFERRER_BLOCKED"), "api_key_http_referrer_blocked"),
        (reasons(403, "forbidden", "API_KEY_IP_ADDRESS_BLOCKED"), "api_key_ip_address_blocked"),
        (reasons(403, "forbidden", "API_KEY_SERVICE_BLOCKED"), "api_key_service_blocked"),
        (reasons(403, "API_KEY_ANDROID_APP_BLOCKED"), "api_key_android_app_blocked"),
    ],
)
async def test_a_key_that_is_wrong_or_restricted_is_the_operators(
    answer: httpx2.Response, reason: str, credentials: Credentials
) -> None:
    await blames_us(answer, credentials, VIDEOS, "YOUTUBE_API_KEY", reason)


@pytest.mark.parametrize(("credentials", "setting"), [(OURS, "YOUTUBE_API_KEY"), (MEMBER, "GOOGLE_CLIENT_SECRET")])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reasons(403, "accessNotConfigured"), "accessnotconfigured"),
        (reasons(403, "SERVICE_DISABLED"), "service_disabled"),
        (reasons(403, "forbidden", "CONSUMER_SUSPENDED"), "consumer_suspended"),
        (reasons(403, "forbidden", "BILLING_DISABLED"), "billing_disabled"),
    ],
)
async def test_a_project_without_the_api_is_the_operators_whoever_asks(
    answer: httpx2.Response, reason: str, credentials: Credentials, setting: str
) -> None:
    await blames_us(answer, credentials, VIDEOS, setting, reason)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reasons(401, "authError"), "unauthorized"),
        (reasons(403, "forbidden"), "forbidden"),
        (reasons(403, "somethingNew"), "forbidden"),
        (reply(403, b"<html>"), "forbidden"),
    ],
)
async def test_what_the_key_is_refused_for_without_a_reason_is_no_members_fault(
    answer: httpx2.Response, reason: str
) -> None:
    await blames_us(answer, OURS, VIDEOS, "YOUTUBE_API_KEY", reason)


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"github_token": "ghp_application"}, "GITHUB_TOKEN"),
        ({"github_client_id": "id", "github_client_secret": "secret"}, "GITHUB_CLIENT_SECRET"),
    ],
)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (message("Bad credentials", 401), "unauthorized"),
        (message("x", headers={"x-github-sso": "required; url=https://x"}), "single_sign_on"),
        (message("The `inks` organization has an IP allow list enabled."), "address_not_allowed"),
        (message("Sorry. Your account was suspended."), "suspended"),
        (message("Resource not accessible by personal access token"), "forbidden"),
        (message("Maximum number of login attempts exceeded."), "too_many_attempts"),
    ],
)
async def test_githubs_refusal_of_our_credential_is_no_members_fault(
    answer: httpx2.Response, reason: str, settings: dict[str, str], setting: str
) -> None:
    before = counted(setting, reason)
    error = await refusal(answer, OURS, REPO, **settings)
    assert type(error) is CredentialRefusedError
    assert "connect" not in str(error.body())
    assert counted(setting, reason) == before + 1


async def test_who_has_no_credential_at_all_can_connect_one() -> None:
    error = await refusal(message("Must authenticate to access this API.", 401), OURS, REPO, youtube_api_key="k")
    assert (type(error), error.action) == (IntegrationAuthError, "connect_github")


async def test_a_limit_is_a_limit_also_where_our_credential_is_used() -> None:
    assert isinstance(await refusal(reasons(403, "quotaExceeded"), OURS, VIDEOS), RateLimitError)
    secondary = message("You have exceeded a secondary rate limit.")
    assert isinstance(await refusal(secondary, OURS, REPO), RateLimitError)
