"""`thrive token --user NAME`: a bearer token for local use, signed with the gateway's own JWT_KEY."""

import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from kit.settings import MIN_SECRET_BYTES, Settings


class TokenSettings(Settings):
    """The gateway's settings of the same names, with the same defaults."""

    jwt_issuer: str = "https://thrive.local"
    jwt_audience: str = "thrive-imports"
    jwt_key: SecretStr = SecretStr("")
    jwt_algorithms: str = "HS256"
    local_dir: Path = Path(".local")  # where `make run` keeps the key that it made


class KeyNotSetError(ValueError):
    """There is no JWT_KEY to sign with."""


def make_token(settings: TokenSettings, user: str, hours: float, *, roles: tuple[str, ...] = ()) -> str:
    """A token that names `user` as its subject and as the wanted username. Raises ValueError without an HMAC key, and
    with one that the gateway would refuse."""
    algorithm = settings.jwt_algorithms.split(",")[0].strip()
    key = settings.jwt_key.get_secret_value()
    if not algorithm.startswith("HS"):
        raise ValueError("JWT_ALGORITHMS has no HMAC algorithm; get a token from your identity provider instead.")
    if not key:
        raise KeyNotSetError("JWT_KEY is not set: set it to the gateway's.")
    if len(key.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"JWT_KEY is shorter than {MIN_SECRET_BYTES} bytes, the shortest that the gateway accepts.")
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "sub": user,
        "preferred_username": user,
        "iat": now,
        "exp": now + int(hours * 3_600),
    }
    if roles:
        claims["roles"] = list(roles)
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def _somebody(user: str) -> str:
    if not user.strip():
        raise typer.BadParameter("a token needs a user.", param_hint="--user")
    return user


def token(
    user: Annotated[str, typer.Option(help="The user whom the token authenticates.", callback=_somebody)],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="How many hours the token is valid.")] = 12,
) -> None:
    """Print a bearer token for local use, signed with JWT_KEY from the environment."""
    settings = TokenSettings()
    try:
        typer.echo(make_token(settings, user, hours))
    except ValueError as error:
        typer.echo(str(error), err=True)
        kept = settings.local_dir / "jwt.key"
        if isinstance(error, KeyNotSetError) and kept.exists():
            command = f'JWT_KEY="$(cat {shlex.quote(str(kept))})" .venv/bin/thrive token --user {shlex.quote(user)}'
            typer.echo(f"`make run` generated one:\n  {command}", err=True)
        raise typer.Exit(1) from None
