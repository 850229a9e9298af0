"""Every registered integration keeps the contract; a new one needs no test of its own here."""

import ast
from pathlib import Path

import pytest

from integrations.registry import INTEGRATIONS, build_registry
from integrations.settings import IntegrationSettings
from kit.errors import InvalidURLError

ROOT = Path(__file__).parents[2]
FREE = ["feed"]  # methods whose calls cost nothing: YouTube's feeds
REGISTRY = build_registry(IntegrationSettings.model_validate({}))
SAMPLES = [(each.name, url, canonical) for each in REGISTRY.list_all() for url, canonical in each.sample_urls.items()]
REFUSED = [url for each in REGISTRY.list_all() for url in each.refused_urls]


def test_the_register_is_sorted_and_names_are_unique() -> None:
    names = [integration.name for integration in INTEGRATIONS]
    assert names == sorted(set(names))
    assert [integration.name for integration in REGISTRY.list_all()] == names
    assert all(REGISTRY.get(name).name == name for name in names)


@pytest.mark.parametrize("integration", REGISTRY.list_all(), ids=lambda integration: integration.name)
def test_each_shows_what_it_takes_and_what_it_refuses(integration: object) -> None:
    assert getattr(integration, "sample_urls", None)
    assert getattr(integration, "refused_urls", None)
    assert getattr(integration, "title", None)


@pytest.mark.parametrize(("name", "url", "canonical"), SAMPLES)
def test_a_sample_is_claimed_by_its_own_integration_alone(name: str, url: str, canonical: str) -> None:
    assert [each.name for each in REGISTRY.list_all() if each.can_handle_url(url)] == [name]
    assert REGISTRY.get_for_url(url) is REGISTRY.get(name)
    assert REGISTRY.get(name).canonical_url(url) == canonical


@pytest.mark.parametrize("canonical", sorted({canonical for _, _, canonical in SAMPLES}))
def test_a_canonical_url_is_its_own(canonical: str) -> None:
    assert REGISTRY.get_for_url(canonical).canonical_url(canonical) == canonical


@pytest.mark.parametrize("url", REFUSED)
def test_a_refused_url_is_refused_by_all(url: str) -> None:
    assert not [each.name for each in REGISTRY.list_all() if each.can_handle_url(url)]
    with pytest.raises(InvalidURLError) as caught:
        REGISTRY.get_for_url(url)
    assert caught.value.error_code == "INVALID_URL"
    assert caught.value.suggestion
    assert "evil" not in str(caught.value.body())  # what was pasted is not repeated


def test_every_call_of_an_upstream_is_charged_to_a_budget() -> None:
    """A call is a `get` that names its `service`. One that costs nothing is named above."""
    uncharged = [
        function.name
        for file in (ROOT / "integrations").glob("*.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and {"service"} <= (given := {keyword.arg for keyword in call.keywords})
        if isinstance(call.func, ast.Attribute) and "charge" not in given
    ]
    assert uncharged == FREE, "give the call a `charge` (kit/budgets), or say above that it costs nothing"
