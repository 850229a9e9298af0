"""Whose requests count together."""

import pytest
from starlette.requests import Request

from services.gateway.addresses import peer


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("203.0.113.7", 1), "203.0.113.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("::ffff:203.0.113.7", 1), "203.0.113.7"),
        (("testclient", 1), "testclient"),
        (None, ""),
    ],
)
def test_an_address_stands_for_its_subscriber(client: tuple[str, int] | None, counted: str) -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1")]
    assert peer(Request({"type": "http", "client": client, "headers": headers})) == counted
