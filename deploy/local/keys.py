"""Keys that are made here, once, for a system that runs on this machine."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kit.vault import new_key


def local_jwt_key(folder: Path) -> str:
    """The HMAC secret that local tokens are signed with."""
    return _kept(folder / "jwt.key", lambda: secrets.token_urlsafe(48))


def local_token_keys(folder: Path) -> str:
    """TOKEN_KEYS: what connected accounts' tokens are encrypted with. Without this file they cannot be read again."""
    return _kept(folder / "token.keys", lambda: new_key("local"))


def local_webhook_key(folder: Path) -> str:
    """WEBHOOK_KEY: what hubs sign their pushes with is derived from it."""
    return _kept(folder / "webhook.key", lambda: secrets.token_urlsafe(48))


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Made once, and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        keep(path, make(), os.O_EXCL)
    return path.read_text().strip()


def keep(path: Path, secret: str, flags: int = os.O_TRUNC) -> None:
    """In a file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600), "w") as file:
        file.write(secret)
