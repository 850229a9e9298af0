"""Which failures certainly sent nothing."""

import aiohttp
import httpx
import pytest

from kit.http.exchange import never_sent


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.PoolTimeout("no connection was free"), True),
        (caused_by(httpx.ConnectTimeout("no connection was made"), aiohttp.ConnectionTimeoutError()), True),
        (caused_by(httpx.ConnectTimeout("the connection was lost"), aiohttp.ServerDisconnectedError()), False),
        (httpx.ReadTimeout("no answer"), False),
        (TimeoutError(), False),
    ],
    ids=["refused", "pool", "connecting", "lost", "reading", "total"],
)
def test_a_time_out_counts_as_unsent_only_where_no_connection_was_made(error: Exception, certain: bool) -> None:
    assert never_sent(error) is certain
