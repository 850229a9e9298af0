"""Secrets at rest: an AES-256-GCM envelope, bound to where the secret belongs.

Every value has a data key of its own, which is wrapped by the named key of the settings; both are bound to
`bound_to`, so that a value that was moved to another document or field does not open. Rotation wraps the data key
anew and leaves the value as it is. Text form: `v1.<kid>.<wrapped data key>.<value>`, base64url.
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
    return _Envelope.parse(sealed).kid


class Vault:
    def __init__(self, settings: VaultSettings) -> None:
        self._keys = {kid: AESGCM(key) for kid, key in parse_keys(settings.token_keys).items()}

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of the keys that there are; the first one seals."""
        return tuple(self._keys)

    def seal(self, value: SecretStr, *, bound_to: tuple[str, ...]) -> str:
        """Different at every call. Raises VaultError where no key is set."""
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        sealed = _encrypt(AESGCM(data_key), value.get_secret_value().encode(), _bound("value", bound_to))
        return self._wrap(data_key, sealed, bound_to)

    def open(self, sealed: str, *, bound_to: tuple[str, ...]) -> SecretStr:
        """What was sealed with the same `bound_to`. Raises VaultError for anything else."""
        envelope = _Envelope.parse(sealed)
        data_key = AESGCM(self._unwrap(envelope, bound_to))
        return SecretStr(_decrypt(data_key, envelope.value, _bound("value", bound_to)).decode())

    def rewrap(self, sealed: str, *, bound_to: tuple[str, ...]) -> str | None:
        """The same value under the first key; None where it is already. Raises VaultError as `open` does."""
        envelope = _Envelope.parse(sealed)
        data_key = self._unwrap(envelope, bound_to)
        if envelope.kid == self.sealing_kid:
            return None
        return self._wrap(data_key, envelope.value, bound_to)

    @property
    def sealing_kid(self) -> str:
        """The id of the first key. Raises VaultError where there is none."""
        if not self._keys:
            raise VaultError("TOKEN_KEYS is not set: set it to what `thrive keys new` prints")
        return self.kids[0]

    def _wrap(self, data_key: bytes, value: bytes, bound_to: tuple[str, ...]) -> str:
        kid = self.sealing_kid
        wrapped = _encrypt(self._keys[kid], data_key, _bound("key", (kid, *bound_to)))
        return f"{VERSION}.{kid}.{_encode(wrapped)}.{_encode(value)}"

    def _unwrap(self, envelope: "_Envelope", bound_to: tuple[str, ...]) -> bytes:
        key = self._keys.get(envelope.kid)
        if key is None:
            raise VaultError(f"a value is encrypted with the key {envelope.kid!r}, which TOKEN_KEYS does not have")
        return _decrypt(key, envelope.wrapped, _bound("key", (envelope.kid, *bound_to)))


class _Envelope:
    def __init__(self, kid: str, wrapped: bytes, value: bytes) -> None:
        self.kid, self.wrapped, self.value = kid, wrapped, value

    @classmethod
    def parse(cls, sealed: str) -> "_Envelope":
        parts = sealed.split(".")
        if len(parts) != 4 or parts[0] != VERSION or not _KID.fullmatch(parts[1]):
            raise VaultError("this is not an encrypted value")
        return cls(parts[1], _decode(parts[2]), _decode(parts[3]))


def _bound(what: str, bound_to: tuple[str, ...]) -> bytes:
    """The authenticated data; JSON, because joined strings would not tell ("a", "bc") from ("ab", "c")."""
    return json.dumps([VERSION, what, *bound_to]).encode()


def _encrypt(key: AESGCM, value: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, value, associated)


def _decrypt(key: AESGCM, value: bytes, associated: bytes) -> bytes:
    try:
        return key.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise VaultError("an encrypted value was moved, changed, or encrypted with another key of that id") from None


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
