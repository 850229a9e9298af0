"""Make and hash random secrets of 256 bits: tokens, cookies, the states of OAuth flows."""

import hashlib
import re
import secrets

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Hash a secret for storage. As it is random, a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
