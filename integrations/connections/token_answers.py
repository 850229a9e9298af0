"""What token endpoints answer: a grant, or an error, which GitHub sends with status 200."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import structlog
from authlib.integrations.httpx_client import OAuthError
from pydantic import SecretStr

from integrations import own_credentials
from integrations.coerce import as_int, as_line
from integrations.connections.model import Grant
from integrations.provider import Provider
from integrations.responses import malformed_response
from kit.errors import ImportProblem, UpstreamUnavailableError
from kit.http import BodyTooLargeError, retry_after

log = structlog.get_logger(__name__)

INVALID_GRANT = frozenset({"invalid_grant", "bad_verification_code", "bad_refresh_token"})  # the last two are GitHub's
LONGEST_LIFE = timedelta(days=366)
MAX_SCOPE_CHARS = 4_096
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")  # what may stand in a header
_CODE = re.compile(r"[a-z_]{1,60}")
_SEPARATORS = re.compile(r"[\s,]+")


class InvalidGrantError(ImportProblem):
    """The provider takes this code or refresh token no longer, and asking again will not help."""

    status = 424
    error_code = "AUTH_ERROR"
    action = "connect_account"
    suggestion = "Connect the account again."


def read_grant(provider: Provider, token: Mapping[str, Any], scopes: tuple[str, ...], now: datetime) -> Grant:
    """`scopes` were asked for: an answer that names none grants them (RFC 6749, 5.1). Raises UpstreamUnavailableError
    for what is no bearer token."""
    access_token = _token(token.get("access_token"))
    if access_token is None or as_line(token.get("token_type", "bearer")).lower() != "bearer":
        raise malformed_response(provider.title)
    seconds = as_int(token.get("expires_in"))
    named = token.get("scope")
    return Grant(
        access_token=access_token,
        refresh_token=_token(token.get("refresh_token")),
        expires_at=now + timedelta(seconds=min(seconds, LONGEST_LIFE.total_seconds())) if seconds else None,
        scopes=_scopes(named) if isinstance(named, str) else scopes,
        id_token=_token(token.get("id_token")),
    )


@contextmanager
def translated(provider: Provider) -> Iterator[None]:
    """The errors of Authlib and its client, as ours."""
    try:
        yield
    except OAuthError as error:
        code = as_line(error.error)
        if code in INVALID_GRANT:
            raise InvalidGrantError(f"{provider.title} no longer accepts this access.") from None
        # Ours to mend: an id, a secret or an address that the provider does not know
        log.error("provider refuses our application", provider=provider.name, code=_CODE.fullmatch(code) and code)
        setting = f"{'google' if provider.name == 'youtube' else provider.name}_client_secret".upper()
        raise own_credentials.refused(provider.title, setting, "oauth") from None
    except httpx2.HTTPStatusError as error:
        asked = retry_after(error.response.headers, datetime.now(UTC))
        raise UpstreamUnavailableError(
            f"{provider.title} is not available at the moment.",
            retry_at=datetime.now(UTC) + timedelta(seconds=asked) if asked else None,
        ) from None
    except (httpx2.HTTPError, BodyTooLargeError, ValueError, TypeError):
        raise malformed_response(provider.title) from None


def standard(provider: Provider) -> Callable[[httpx2.Response], httpx2.Response]:
    """Makes of a provider's answer what the standard has, which is all that Authlib reads.

    GitHub answers as a form where it overlooks what we accept; Figma has error bodies of its own.
    """

    def read(response: httpx2.Response) -> httpx2.Response:
        if response.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body: Any = dict(parse_qsl(response.text, max_num_fields=50))
        elif response.status_code == provider.invalid_grant_status:
            body = {"error": "invalid_grant"}
        else:
            return response
        return httpx2.Response(response.status_code, json=body, request=response.request)

    return read


def _token(value: Any) -> SecretStr | None:
    return SecretStr(value) if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _scopes(value: str) -> tuple[str, ...]:
    """GitHub separates them by commas, the others by blanks."""
    return tuple(dict.fromkeys(filter(None, _SEPARATORS.split(as_line(value, MAX_SCOPE_CHARS)))))
