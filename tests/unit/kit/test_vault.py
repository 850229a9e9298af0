"""Sealed values open where they belong, with a key of ours, and nowhere else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from kit.vault import Vault, VaultError, VaultSettings, key_id, new_key

OLD, NEW = new_key("old"), new_key("new")
PLACE = ("ada", "github", "access_token")
TOKEN = SecretStr("gho_secret")


def vault(*keys: str) -> Vault:
    return Vault(VaultSettings(token_keys=SecretStr(",".join(keys))))


def test_what_is_sealed_opens_where_it_belongs() -> None:
    sealed = vault(OLD).seal(TOKEN, bound_to=PLACE)
    assert vault(OLD).open(sealed, bound_to=PLACE) == TOKEN
    assert "gho_secret" not in sealed
    assert base64.b64encode(b"gho_secret").decode()[:8] not in sealed


@given(st.text(max_size=2_000))
def test_any_text_comes_back(text: str) -> None:
    box = vault(OLD)
    value = text.encode("utf-8", "ignore").decode()
    assert box.open(box.seal(SecretStr(value), bound_to=PLACE), bound_to=PLACE).get_secret_value() == value


def test_the_same_value_is_sealed_differently_every_time() -> None:
    box = vault(OLD)
    assert len({box.seal(TOKEN, bound_to=PLACE) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("bob", "github", "access_token"),
        ("ada", "gitlab", "access_token"),
        ("ada", "github", "refresh_token"),
        ("adagithub", "", "access_token"),
        ("ada", "github"),
        (),
    ],
)
def test_a_value_that_was_moved_does_not_open(elsewhere: tuple[str, ...]) -> None:
    sealed = vault(OLD).seal(TOKEN, bound_to=PLACE)
    with pytest.raises(VaultError):
        vault(OLD).open(sealed, bound_to=elsewhere)
    with pytest.raises(VaultError):
        vault(NEW, OLD).rewrap(sealed, bound_to=elsewhere)


def test_not_a_character_of_it_may_change() -> None:
    box = vault(OLD)
    sealed = box.seal(SecretStr("x"), bound_to=PLACE)
    for at in range(len(sealed)):
        changed = sealed[:at] + ("B" if sealed[at] == "A" else "A") + sealed[at + 1 :]
        try:
            opened = box.open(changed, bound_to=PLACE)
        except VaultError:
            continue
        # the last character of base64 may hold bits that mean nothing
        assert opened.get_secret_value() == "x"
        assert at == len(sealed) - 1 or sealed[at + 1] == "."


@pytest.mark.parametrize(
    "sealed", ["", "v1", "v1.old.x", "v1.old.AAAA", "v1.old.AAAA.AAAA", "v2.old.AAAA", "v1.o d.A", "v1.old.é"]
)
def test_what_was_never_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(VaultError):
        vault(OLD).open(sealed, bound_to=PLACE)


def test_the_first_key_seals_and_all_open() -> None:
    both = vault(NEW, OLD)
    assert key_id(both.seal(TOKEN, bound_to=PLACE)) == "new"
    assert both.open(vault(OLD).seal(TOKEN, bound_to=PLACE), bound_to=PLACE) == TOKEN


def test_rewrapping_moves_a_value_to_the_first_key_once() -> None:
    both = vault(NEW, OLD)
    sealed = vault(OLD).seal(TOKEN, bound_to=PLACE)
    moved = both.rewrap(sealed, bound_to=PLACE)
    assert moved is not None
    assert vault(NEW).open(moved, bound_to=PLACE) == TOKEN
    assert both.rewrap(moved, bound_to=PLACE) is None


def test_a_missing_key_is_named_and_nothing_else() -> None:
    sealed = vault(OLD).seal(TOKEN, bound_to=PLACE)
    with pytest.raises(VaultError, match="'old'") as caught:
        vault(NEW).open(sealed, bound_to=PLACE)
    assert sealed.split(".")[2] not in str(caught.value)


def test_another_key_of_the_same_id_does_not_open() -> None:
    sealed = vault(OLD).seal(TOKEN, bound_to=PLACE)
    with pytest.raises(VaultError):
        vault(new_key("old")).open(sealed, bound_to=PLACE)


def test_without_keys_nothing_is_sealed() -> None:
    with pytest.raises(VaultError, match="TOKEN_KEYS"):
        vault().seal(TOKEN, bound_to=PLACE)


@pytest.mark.parametrize(
    "keys",
    ["secretsecret", "a:c2hvcnQ=", f"{OLD},{OLD}", f"a b:{OLD[4:]}", f":{OLD[4:]}", "a:!!!", f"{OLD},b"],
    ids=["no id", "short", "one id twice", "blank in the id", "empty id", "no base64", "no second key"],
)
def test_broken_keys_are_refused_without_being_told(keys: str) -> None:
    with pytest.raises(ValidationError, match="TOKEN_KEYS") as caught:
        VaultSettings(token_keys=SecretStr(keys))
    assert OLD[4:] not in str(caught.value)
    assert "secretsecret" not in str(caught.value)


def test_keys_may_be_base64url_and_without_padding() -> None:
    key = base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode().rstrip("=")
    assert vault(f"a:{key}").kids == ("a",)
