"""Encrypt secrets at rest with AES-256-GCM under a named key, bound to where each belongs.

`bound_to` is authenticated with the value: one that was moved to another document or field does not open. Text form:
`v1.<kid>.<value>`, base64url.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Field, SecretStr, field_validator

from kit.settings import Settings

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12  # random: good for 2^32 values under one key
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class VaultError(Exception):
    """A secret that cannot be sealed or opened: a missing key, a moved or broken value. Tells no part of it."""


class VaultSettings(Settings):
    token_keys: SecretStr = Field(
        SecretStr(""), description="kid:base64,… of 32 bytes each; the first one encrypts, all decrypt"
    )

    @field_validator("token_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        parse_keys(value)
        return value


def parse_keys(value: SecretStr) -> Mapping[str, bytes]:
    """Key id → key, in the order given. Raises ValueError, without the value."""
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in value.get_secret_value().split(","))):
        kid, _, encoded = entry.partition(":")
        try:
            key = _decode(encoded)
        except VaultError:
            key = b""
        if not _KID.fullmatch(kid) or len(key) != KEY_BYTES or kid in keys:
            raise ValueError("TOKEN_KEYS is not kid:base64,… with distinct ids and 32 bytes in each key")
        keys[kid] = key
    return keys


def new_key(kid: str) -> str:
    """An entry for TOKEN_KEYS. Raises ValueError for an id that is none."""
    if not _KID.fullmatch(kid):
        raise ValueError("A key's id has up to 32 letters, digits, - and _.")
    return f"{kid}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def key_id(sealed: str) -> str:
    """The id of the key that a value is sealed with. Raises VaultError."""
    return _parse(sealed)[0]


class Vault:
    def __init__(self, settings: VaultSettings) -> None:
        self._keys = {kid: AESGCM(key) for kid, key in parse_keys(settings.token_keys).items()}

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of the keys that there are; the first one seals."""
        return tuple(self._keys)

    def seal(self, value: SecretStr, *, bound_to: tuple[str, ...]) -> str:
        """Different at every call. Raises VaultError where no key is set."""
        kid, nonce = self.sealing_kid, os.urandom(NONCE_BYTES)
        encrypted = self._keys[kid].encrypt(nonce, value.get_secret_value().encode(), _bound(kid, bound_to))
        return f"{VERSION}.{kid}.{_encode(nonce + encrypted)}"

    def open(self, sealed: str, *, bound_to: tuple[str, ...]) -> SecretStr:
        """What was sealed with the same `bound_to`. Raises VaultError for anything else."""
        kid, value = _parse(sealed)
        if (key := self._keys.get(kid)) is None:
            raise VaultError(f"a value is encrypted with the key {kid!r}, which TOKEN_KEYS does not have")
        try:
            return SecretStr(key.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], _bound(kid, bound_to)).decode())
        except (InvalidTag, ValueError):
            raise VaultError(
                "an encrypted value was moved, changed, or encrypted with another key of that id"
            ) from None

    def rewrap(self, sealed: str, *, bound_to: tuple[str, ...]) -> str | None:
        """The same value under the first key; None where it is already. Raises VaultError as `open` does."""
        value = self.open(sealed, bound_to=bound_to)
        return None if key_id(sealed) == self.sealing_kid else self.seal(value, bound_to=bound_to)

    @property
    def sealing_kid(self) -> str:
        """The id of the first key. Raises VaultError where there is none."""
        if not self._keys:
            raise VaultError("TOKEN_KEYS is not set: set it to what `thrive keys new` prints")
        return self.kids[0]


def _parse(sealed: str) -> tuple[str, bytes]:
    """The key's id, and the nonce with the encrypted value."""
    parts = sealed.split(".")
    if len(parts) != 3 or parts[0] != VERSION or not _KID.fullmatch(parts[1]):
        raise VaultError("this is not an encrypted value")
    return parts[1], _decode(parts[2])


def _bound(kid: str, bound_to: tuple[str, ...]) -> bytes:
    """The authenticated data; JSON, because joined strings would not tell ("a", "bc") from ("ab", "c")."""
    return json.dumps([VERSION, kid, *bound_to]).encode()


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """base64 or base64url, with or without padding."""
    try:
        return base64.b64decode(
            text.translate(_TO_BASE64).rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        raise VaultError("this is not an encrypted value") from None


_TO_BASE64 = str.maketrans("-_", "+/")
