"""Check where a browser may be sent after an OAuth flow: to our own pages, and to those of configured origins."""

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.gateway.web.errors import InvalidRequestError

MAX_CHARS = 2_048


def checked_return_to(value: str | None, *, home: str, origins: Collection[str] = ()) -> str | None:
    """Return the page as an absolute URL. `value` is a path below `home`, or a URL of `home` or one of the `origins`.

    Raises `InvalidRequestError` for any other page, which would make this service an open redirect.
    """
    if value is None:
        return None
    if len(value) > MAX_CHARS or "\\" in value or not value.isascii() or not value.isprintable() or " " in value:
        raise _refused()
    if value.startswith("/") and not value.startswith("//"):
        return f"{home}{value}"
    try:
        parts = urlsplit(value)
    except ValueError:
        raise _refused() from None
    if f"{parts.scheme}://{parts.netloc}" not in {home, *origins}:
        raise _refused()
    return value


def with_query(url: str, **params: str) -> str:
    """Return the URL with these query parameters added."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *params.items()]
    return parts._replace(query=urlencode(query)).geturl()


def _refused() -> InvalidRequestError:
    return InvalidRequestError("`return_to` is not an allowed page.")
