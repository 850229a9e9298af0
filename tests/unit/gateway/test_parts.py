"""The gateway's pure parts: headers, cursors, usernames."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from integrations.registry import IntegrationSettings, build_registry
from services.gateway.imports.idempotency import KEY_PATTERN, idempotency_key
from services.gateway.members.usernames import RESERVED, candidates, passes_for_us
from services.gateway.web import pagination
from services.gateway.web.errors import InvalidRequestError
from services.gateway.web.fields import Whole
from services.gateway.web.headers import seen_version, wait_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=20", 20),
        ("Wait = 20", 20),
        ('wait="5"; x=y', 5),
        ("respond-async, wait=7", 7),
        ("wait=0", 0),
        ("wait=600", 60),
        ("wait=" + "9" * 5_000, 60),
        ("wait", None),
        ("wait=-1", None),
        ("wait=soon", None),
        ("wait=²", None),
        ("await=3", None),
    ],
)
def test_prefer_wait_is_read_and_bounded(header: str | None, seconds: int | None) -> None:
    assert wait_seconds(header) == seconds


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        (None, 0),
        ("", 0),
        ("3", 3),
        ("5", 5),
        ("6", 0),
        ("-1", 0),
        ("3x", 0),
        ("²", 0),
        ("1234567890x", 0),
        ("9" * 5_000, 0),
    ],
)
def test_a_stream_resumes_after_a_version_that_exists(header: str | None, seen: int) -> None:
    assert seen_version(header, version=5) == seen


def test_an_idempotency_key_is_the_same_with_and_without_quotes() -> None:
    assert idempotency_key('"k"') == idempotency_key("k") == "k"
    assert idempotency_key(None) is None
    for bad in ("", '""', "k" * 256, "a\x01", "é"):
        with pytest.raises(InvalidRequestError):
            idempotency_key(bad)


@given(st.from_regex(re.compile(KEY_PATTERN, re.ASCII), fullmatch=True))
def test_a_key_as_it_is_described_is_taken(key: str) -> None:
    assert idempotency_key(key.removesuffix("\n"))


def test_what_is_no_key_does_not_fit_its_description() -> None:
    for bad in ("", '""', "k" * 256, "a\x01", "é", " "):
        assert not re.search(KEY_PATTERN, bad)


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_leads_back_to_where_it_was_made(at: datetime, last_id: object) -> None:
    assert pagination.decode(pagination.encode(at, last_id)) == (at, last_id)  # type: ignore[arg-type]


@given(st.text(max_size=100))
def test_a_foreign_cursor_is_refused_and_nothing_worse(text: str) -> None:
    try:
        pagination.decode(text)
    except InvalidRequestError:
        return
    raise AssertionError("made-up text was taken for a cursor")


@given(st.text(max_size=50))
def test_every_wanted_name_gives_usernames_that_fit_an_address(wanted: str) -> None:
    names = candidates("subject", wanted)
    assert len(names) > 10
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name not in RESERVED and 0 < len(name) < 60 for name in names)
    assert not any(set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-_") for name in names)


def test_a_member_without_a_name_gets_one_that_is_theirs() -> None:
    assert candidates(str(uuid4()), "")[0] != candidates(str(uuid4()), "")[0]
    assert candidates("same", "")[0] == candidates("same", "")[0]


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            "root",
            "support",
            "official",
            "system",
            "thrive",
            "admin",
            "Administrator",
            "staff",
            "moderator",
            "security",
        ),
        *("r00t", "supp0rt", "0fficial", "5ystem", "thr1ve", "Adm1n", "adrnin", "admln", "offlcial", "5upp0rt"),
        *("admin2", "admin-2", "support_01", "-root-", "_system_", "sup-port", "ro_ot", "t-h-r-i-v-e", "root-7"),
        *("Thrive Support", "thrive-team", "support-team", "ada-official", "official_ada", "the-real-admin"),
        *("thrivesupport", "thriveTeam", "thrivehq", "officialthrive", "helpthrive", "thrive2"),
        *("аdmin", "sυpport", "ｔｈｒｉｖｅ", "rооt", "systеm", "thríve", "ADMIN", "  admin  ", "Süpport"),
    ],
)
def test_nobody_gets_a_name_that_passes_for_the_service(wanted: str) -> None:
    assert {name.partition("-")[0] for name in candidates("subject", wanted)} == {"member"}


@pytest.mark.parametrize(
    "wanted",
    ["ada", "rooted", "administer", "thriver", "supporter", "systema", "officiant", "root-beer", "ada99", "l33t"],
)
def test_names_that_only_begin_like_it_are_anybodys(wanted: str) -> None:
    assert candidates("subject", wanted)[0] == wanted


@pytest.mark.parametrize("wanted", ["explore", "Agents", "docs", "auth", "static", "api", "well-known", "sign in"])
def test_a_name_that_is_an_address_gets_a_number(wanted: str) -> None:
    assert candidates("subject", wanted)[0].endswith("-2")
    assert not passes_for_us(wanted)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://github.com/octocat/hello", "repositories"),
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "videos"),
        ("https://www.youtube.com/channel/UC_x5XG1OV2P6uZZ5FSM9Ttw", "channels"),
    ],
)
def test_what_is_followed_counts_as_what_its_link_is(url: str, kind: str) -> None:
    assert build_registry(IntegrationSettings.model_validate({})).recognise_source(url).counted_as == kind


@pytest.mark.parametrize(("sent", "taken"), [(3, 3), (3.0, 3), (3.5, None), ("3", None), (True, None), (1e999, None)])
def test_a_whole_number_is_what_json_takes_for_one(sent: object, taken: int | None) -> None:
    try:
        assert TypeAdapter(Whole).validate_python(sent) == taken
    except ValidationError:
        assert taken is None
