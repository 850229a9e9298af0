"""Every registered integration keeps the contract; a new one needs no test of its own here."""

import ast
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from integrations.credentials import Credentials
from integrations.links import parse
from integrations.registry import INTEGRATIONS, AnyIntegration, IntegrationSettings, build_registry
from kit.errors import (
    ContentNotFoundError,
    IntegrationAuthError,
    InvalidURLError,
    RateLimitError,
    TokenRefusedError,
)
from kit.http import Response
from kit.upstream import Upstream

ROOT = Path(__file__).parents[2]
FREE = ["feed"]  # methods whose calls cost nothing: YouTube's feeds
REGISTRY = build_registry(IntegrationSettings.model_validate({}))
SAMPLES = [(each.name, url, canonical) for each in REGISTRY.list_all() for url, canonical in each.samples.items()]
REFUSED = [url for each in REGISTRY.list_all() for url in each.refused]
DISGUISES = (
    "https://{host}.evil.tld{rest}", "https://not{host}{rest}", "https://{host}@evil.tld{rest}",
    "https://token@{host}{rest}", "https://evil.tld\\@{host}{rest}", "https://evil.tld/https://{host}{rest}",
    "https://evil.tld#@{host}{rest}", "https://evil.tld/?u=https://{host}{rest}", "https://{host}:8443{rest}",
    "ftp://{host}{rest}", "javascript://{host}{rest}",
)  # fmt: skip
LOOK_ALIKES = [
    disguise.format(host=host, rest="/" + canonical.split("/", 3)[3])
    for each in REGISTRY.list_all()
    for canonical in sorted(set(each.samples.values()))[:1]
    for host in each.hosts
    for disguise in DISGUISES
]
WORDS = {401: TokenRefusedError, 403: IntegrationAuthError, 404: ContentNotFoundError, 429: RateLimitError}


def test_the_register_is_sorted_and_names_are_unique() -> None:
    names = [integration.name for integration in INTEGRATIONS]
    assert names == sorted(set(names))
    assert [integration.name for integration in REGISTRY.list_all()] == names
    assert all(REGISTRY.get(name).name == name for name in names)


@pytest.mark.parametrize("integration", REGISTRY.list_all(), ids=lambda integration: integration.name)
def test_each_shows_what_it_takes_and_what_it_refuses(integration: object) -> None:
    assert getattr(integration, "samples", None)
    assert getattr(integration, "refused", None)
    assert getattr(integration, "title", None)


@pytest.mark.parametrize("integration", REGISTRY.list_all(), ids=lambda integration: integration.name)
def test_a_provider_brings_all_that_it_takes(integration: AnyIntegration) -> None:
    name, missing = integration.name, []
    http = Upstream(httpx2.MockTransport(lambda _: httpx2.Response(200)), integration.bases)
    client = integration.connect(http, Credentials(SecretStr("token"), user_id="ada"))
    if not client.charge().costs:
        missing.append("budgets: declare `buckets` on its client, with what the provider allows")
    for status, kind in WORDS.items():
        problem = client.problem(Response(status, httpx2.Headers(), b"<p>no JSON</p>", integration.title))
        if not isinstance(problem, kind):
            missing.append(f"typed errors: a response of {status} must be {kind.__name__}")
    if not (ROOT / f"tests/unit/integrations/test_{name}.py").exists():
        missing.append(f"a mapping test: tests/unit/integrations/test_{name}.py")
    if not [*(ROOT / "sandbox/upstreams").glob(f"{name}*")]:
        missing.append(f"recordings: an upstream that serves them, sandbox/upstreams/{name}.py")
    assert not missing, f"{integration.title} lacks " + "; ".join(missing)


@pytest.mark.parametrize(("name", "url", "canonical"), SAMPLES)
def test_a_sample_is_claimed_by_its_own_integration_alone(name: str, url: str, canonical: str) -> None:
    assert [each.name for each in REGISTRY.list_all() if each.owns(parse(url))] == [name]
    found = REGISTRY.recognise(url)
    assert (found.integration, found.url) == (REGISTRY.get(name), canonical)


@pytest.mark.parametrize("canonical", sorted({canonical for _, _, canonical in SAMPLES}))
def test_a_canonical_url_is_its_own(canonical: str) -> None:
    assert REGISTRY.recognise(canonical).url == canonical


PIECES = st.sampled_from(
    ["/", "//", "/./", "/..", ".", "..", ".git", ".GIT", "www.", ":443", "?", "&", "=", "#", "v=", "@", "%2e", "%2F",
     "%41", "%25", "-", "_", "a" * 40, "octocat", "Hello-World", "watch", "shorts", "dQw4w9WgXcQ", "\u212a", "\u0130"]
)  # fmt: skip


@st.composite
def urls(draw: st.DrawFn) -> str:
    """A sample with something put in, or cut short, here and there."""
    url = draw(st.sampled_from([sample for _, sample, _ in SAMPLES]))
    for piece in draw(st.lists(PIECES | st.characters(), max_size=4)):
        at = draw(st.integers(0, len(url)))
        url = url[:at] + piece + url[at:]
    return draw(st.sampled_from([url, url, url.upper(), url[: draw(st.integers(0, len(url)))]]))


@given(urls() | st.text(max_size=100))
@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
@example("https://github.com/octocat/hello.git.git.git")
@example("https://github.com/octocat/.git.git")
@example("https://github.com/octocat/hello%252eworld")
@example(f"https://github.com/{'a' * 40}/{'b' * 100}")
def test_a_canonical_url_is_its_own_whatever_was_pasted(url: str) -> None:
    for recognise in (REGISTRY.recognise, REGISTRY.recognise_source):
        with suppress(InvalidURLError):
            found = recognise(url)
            assert recognise(found.url) == found, "however often it is asked"
            assert REGISTRY.recognise_source(found.url) == found


@pytest.mark.parametrize("url", [*REFUSED, *LOOK_ALIKES])
def test_a_refused_url_is_refused_by_all(url: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        REGISTRY.recognise(url)
    assert caught.value.error_code == "INVALID_URL"
    assert caught.value.suggestion
    assert "evil" not in str(caught.value.body())  # what was pasted is not repeated


def test_every_call_of_an_upstream_is_charged_to_a_budget() -> None:
    """A call is a `get` that names its `service`. One that costs nothing is named above."""
    uncharged = [
        function.name
        for file in sorted((ROOT / "integrations").rglob("*.py"))
        if file.parent.name != "connections"  # the calls of an OAuth flow, of which none is a fetch
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and {"service"} <= (given := {keyword.arg for keyword in call.keywords})
        if isinstance(call.func, ast.Attribute) and "charge" not in given
    ]
    assert uncharged == FREE, "give the call a `charge` (kit/budgets), or say above that it costs nothing"
