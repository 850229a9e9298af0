"""The key that local tokens are signed with."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def local_jwt_key(folder: Path) -> str:
    """An HMAC secret, made once and kept in `folder`, readable by its owner only."""
    path = folder / "jwt.key"
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
