"""Where a browser may be sent after an OAuth walk: our own pages, and pages of the origins that settings name."""

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.gateway.web.errors import InvalidRequestError

MAX_CHARS = 2_048


def allowed_return(value: str | None, *, home: str, origins: Collection[str] = ()) -> str | None:
    """The page as an absolute URL. `value` is a path of ours, or a URL of one of the `origins`; `home` is our own.

    Raises `InvalidRequestError` for any other, so that no link of ours leads to a stranger's page.
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
    """The URL with these parameters more."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *params.items()]
    return parts._replace(query=urlencode(query)).geturl()


def _refused() -> InvalidRequestError:
    return InvalidRequestError("`return_to` is not an allowed page.")
