"""The rows: what each provider is asked for, and how its accounts read."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.provider import Account, Provider, Purpose
from tests.unit.connections.provider import GITHUB, GOOGLE, PROVIDERS, SETTINGS, YOUTUBE

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda it: it.name)


def test_a_provider_without_a_client_is_not_offered() -> None:
    settings = ConnectionSettings.model_validate(
        {"github_client_id": "a", "github_client_secret": "b", "figma_client_id": "c"}
    )
    assert list(build_providers(settings)) == ["github"]


def test_they_are_sorted_by_name_and_found_by_it() -> None:
    assert list(PROVIDERS) == sorted(PROVIDERS)
    assert all(name == provider.name for name, provider in PROVIDERS.items())


@every_provider
def test_every_address_is_https_by_default(provider: Provider) -> None:
    urls = (provider.authorize_url, provider.token_url, provider.account_url, provider.revoke_url, provider.refresh_url)
    assert {urlsplit(url).scheme for url in urls if url} == {"https"}


def test_every_address_can_be_moved() -> None:
    moved = {name: "http://127.0.0.1:1/x" for name in ConnectionSettings.model_fields if name.endswith("_url")}
    for provider in build_providers(SETTINGS.model_copy(update=moved)).values():
        for url in (provider.authorize_url, provider.token_url, provider.account_url, provider.revoke_url):
            assert not url or url.startswith("http://127.0.0.1:1/x")


def test_private_repositories_are_asked_for_only_then() -> None:
    assert "repo" not in GITHUB.scopes[Purpose.CONNECT] + GITHUB.scopes[Purpose.SIGN_IN]
    assert "repo" in GITHUB.scopes[Purpose.PRIVATE]


def test_signing_in_with_google_reads_no_videos() -> None:
    assert not GOOGLE.offers(Purpose.CONNECT)
    assert not YOUTUBE.offers(Purpose.SIGN_IN)
    assert not any("youtube" in scope for scope in GOOGLE.scopes[Purpose.SIGN_IN])


@pytest.mark.parametrize(
    ("provider", "purpose", "granted", "missing"),
    [
        (GITHUB, Purpose.CONNECT, ("user",), ()),
        (GITHUB, Purpose.PRIVATE, ("repo", "user"), ()),
        (GITHUB, Purpose.PRIVATE, ("user",), ("repo",)),
        (GITHUB, Purpose.CONNECT, (), ("user", "user:email")),
        (GITHUB, Purpose.SIGN_IN, ("user",), ()),
        (
            YOUTUBE,
            Purpose.CONNECT,
            ("openid", "https://www.googleapis.com/auth/userinfo.profile"),
            ("https://www.googleapis.com/auth/youtube.readonly",),
        ),
    ],
)
def test_what_the_member_unticked_is_noticed(
    provider: Provider, purpose: Purpose, granted: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert provider.missing(purpose, granted) == missing


@pytest.mark.parametrize(
    ("iss", "accepted"),
    [
        ("https://github.com/login/oauth", True),
        (None, True),
        ("https://accounts.google.com", False),
        ("https://github.com/login/oauth/", False),
        ("https://github.com.evil.tld/login/oauth", False),
    ],
)
def test_an_answer_of_another_issuer_is_refused(iss: str | None, accepted: bool) -> None:
    assert GITHUB.issued_by(iss) is accepted


ACCOUNTS: dict[str, dict[str, Any]] = {
    "github": {"id": 1, "login": "ada", "name": None, "avatar_url": "https://a.example/1", "html_url": "https://g/ada"},
    "google": {"sub": "1", "name": "Ada", "picture": "https://a.example/1"},
    "youtube": {"sub": "1", "name": "Ada"},
    "gitlab": {"id": 1, "username": "ada", "name": "Ada"},
    "figma": {"id": "1", "handle": "ada", "img_url": "https://a.example/1", "email": "ada@example.com"},
    "huggingface": {"sub": "1", "preferred_username": "ada", "name": "Ada"},
    "dribbble": {"id": 1, "login": "ada", "name": "Ada"},
}


@every_provider
def test_every_account_has_an_id_and_a_name(provider: Provider) -> None:
    account = provider.read_account(ACCOUNTS[provider.name])
    assert (account.id, account.name.lower()) == ("1", "ada")


@every_provider
@pytest.mark.parametrize("value", [None, [], {}, 1.5, True, "\u202e", "x" * 10_000])
def test_an_account_of_nonsense_is_bounded_text(provider: Provider, value: object) -> None:
    account = provider.read_account(dict.fromkeys(ACCOUNTS[provider.name], value))
    assert isinstance(account, Account)
    assert all(len(text) <= 300 for text in (account.id, account.name, account.display_name, account.avatar_url))
    assert account.url == account.avatar_url == ""


def test_a_link_that_is_not_https_is_left_out() -> None:
    account = GITHUB.read_account(
        {"id": 1, "login": "ada", "avatar_url": "javascript:alert(1)", "html_url": "http://x"}
    )
    assert (account.avatar_url, account.url) == ("", "")
