"""Links are taken apart without trusting them, and end on one canonical URL."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.links import parse
from integrations.registry import IntegrationSettings, build_registry
from integrations.youtube.integration import YouTube
from integrations.youtube.urls import channel_name
from kit.errors import InvalidURLError

REGISTRY = build_registry(IntegrationSettings.model_validate({}))
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,20}", fullmatch=True)
VIDEO_ID = st.from_regex(r"[0-9A-Za-z_-]{11}", fullmatch=True)


def is_taken(url: str) -> bool:
    with suppress(InvalidURLError):
        return bool(REGISTRY.recognise(url))
    return False


@given(st.text(max_size=200) | st.from_regex(r"(https?|ssh|git)://[^/]{0,20}github\.com.{0,40}"))
def test_whatever_is_pasted_is_a_link_or_an_invalid_url(text: str) -> None:
    try:
        canonical = REGISTRY.recognise(text).url
    except InvalidURLError as error:
        assert error.suggestion
    else:
        assert canonical.startswith(("https://github.com/", "https://youtube.com/watch?v="))
        assert REGISTRY.recognise(canonical).url == canonical


@given(NAME, NAME, st.sampled_from(["", ".git", "/", "/tree/main", "?a=b", "#c"]), st.booleans())
def test_every_spelling_of_a_repository_is_one(owner: str, name: str, tail: str, shout: bool) -> None:
    plain = f"https://github.com/{owner}/{name}"
    assume(is_taken(plain))
    spelling = (plain.upper().replace("HTTPS", "https") if shout else plain) + tail
    assert REGISTRY.recognise(spelling).url == plain.lower()


@given(VIDEO_ID, st.text(max_size=20))
def test_a_video_is_its_id_whatever_stands_beside_it(video_id: str, extra: str) -> None:
    assume(video_id not in ("videoseries", "live_stream"))
    url = f"https://m.youtube.com/watch?x={quote(extra)}&v={video_id}"
    assert REGISTRY.recognise(url).url == f"https://youtube.com/watch?v={video_id}"


@pytest.mark.parametrize(
    "url",
    ["", " ", "hello", "http://", "https:///x", "//github.com/a/b", "https://github.com/a b/c", "https://git\thub.com/a/b",
     "https://github.com/a/b\x00", "https://[::1", "https://github.com:99999/a/b", "https://github.com:x/a/b",
     "data:text/html,x", "javascript:alert(1)", "https://a/" + "x" * 2_048, "https://github。com/a/b", "\u202ehttps://a"],
)  # fmt: skip
def test_what_is_no_link_is_refused(url: str) -> None:
    with pytest.raises(InvalidURLError):
        parse(url)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://gist.github.com/octocat/6cad326836d38bd3a7ae", "Gists"),
        ("https://github.com/octocat", "person"),
        ("https://github.com/orgs/github/repositories", "organisation"),
        ("https://github.com/topics/python", "page of GitHub"),
        ("https://octocat.github.io/Hello-World", "repository itself"),
        ("https://www.youtube.com/playlist?list=PLBCF2DAC6FFB574DE", "Playlists"),
        ("https://www.youtube.com/embed/videoseries?list=PLBCF2DAC6FFB574DE", "Playlists"),
        ("https://www.youtube.com/@GoogleDevelopers", "channel"),
        ("https://www.youtube.com/c/GoogleDevelopers", "channel"),
        ("https://youtu.be/short", "eleven"),
    ],
)
def test_a_page_that_is_not_imported_gets_a_hint(url: str, hint: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        REGISTRY.recognise(url)
    assert hint in caught.value.suggestion


@pytest.mark.parametrize(
    ("url", "action"),
    [
        ("https://www.youtube.com/@tidetables", "import_channel"),
        ("https://youtube.com/%40tidetables/videos?view=0", "import_channel"),
        ("m.youtube.com/c/tidetables", "import_channel"),
        ("https://music.youtube.com/channel/UCabcdefghijklmnopqrstuv", "import_channel"),
        ("https://www.youtube.com/user/tidetables/featured", "import_channel"),
        ("https://www.youtube.com/embed/live_stream?channel=UCabcdefghijklmnopqrstuv", "import_channel"),
        ("https://www.youtube.com/playlist?list=PLabcdef", "import_channel"),
        ("https://www.youtube.com/watch?list=PLabcdef", "import_channel"),
        ("https://youtu.be/playlist?list=PLabcdef", "import_channel"),
        ("https://www.youtube.com/channel/UCshort", "check_url"),
        ("https://www.youtube.com/@a", "check_url"),
        ("https://www.youtube.com/feed/trending", "check_url"),
        ("https://github.com/tide-tables", "browse_repositories"),
        ("github.com/tide-tables/?tab=repositories", "browse_repositories"),
        ("https://github.com/orgs/tide-tables/repositories", "browse_repositories"),
        ("https://github.com/users/tide-tables/projects/1", "browse_repositories"),
        ("https://github.com/stars/tide-tables", "browse_repositories"),
        ("https://github.com/sponsors/tide-tables", "browse_repositories"),
        ("https://github.com/orgs", "check_url"),
        ("https://github.com/settings/profile", "check_url"),
        ("https://gist.github.com/tide-tables/6cad326836d38bd3a7ae", "check_url"),
        ("https://elsewhere.example/a/b", "check_url"),
    ],
)
def test_a_page_that_is_not_imported_names_the_action_that_helps(url: str, action: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        REGISTRY.recognise(url)
    assert caught.value.action == action


def test_what_helps_a_channels_link_takes_it() -> None:
    """No link is sent on to an address that refuses it."""
    for url in (*YouTube.refused, *YouTube.samples):
        with suppress(InvalidURLError):
            channel_name(url)
            with pytest.raises(InvalidURLError) as caught:
                REGISTRY.recognise(url)
            assert caught.value.action == "import_channel", url


def test_an_unknown_link_is_a_value_error() -> None:
    for url in ("https://elsewhere.example/a/b", "no link", "https://github.com.evil.tld/a/b"):
        with pytest.raises(ValueError, match=r"\S"):
            REGISTRY.recognise(url)


@pytest.mark.parametrize("url", ["https://github.com.evil.tld/a/b", "https://notyoutube.com/watch?v=dQw4w9WgXcQ"])
def test_a_look_alike_is_called_by_its_name(url: str) -> None:
    with pytest.raises(InvalidURLError, match="another site"):
        REGISTRY.recognise(url)


def test_another_site_is_not_supported() -> None:
    with pytest.raises(InvalidURLError, match="cannot import from this site"):
        REGISTRY.recognise("https://example.org/a/b")


def test_a_github_of_ones_own_replaces_the_public_one() -> None:
    settings = {"github_url": "https://git.corp.example/", "github_api_url": "https://git.corp.example/api/v3/"}
    registry = build_registry(IntegrationSettings.model_validate(settings))
    assert registry.recognise("git@git.corp.example:Tools/App.git").url == "https://git.corp.example/tools/app"
    assert registry.get("github").bases == ("https://git.corp.example/api/v3",)
    with pytest.raises(InvalidURLError):
        registry.recognise("https://github.com/octocat/hello-world")
