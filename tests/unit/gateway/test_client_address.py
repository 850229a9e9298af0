"""Whose requests count together."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from services.gateway.web.client_address import Networks, client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::1/128"))


def request(client: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", entry.encode()) for entry in forwarded]
    return Request({"type": "http", "client": client and (client, 1), "headers": headers})


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
@pytest.mark.parametrize("proxies", [(), PROXIES])
def test_an_address_stands_for_its_subscriber_whatever_it_claims(
    client: str | None, counted: str, proxies: Networks
) -> None:
    assert client_address(request(client, "198.51.100.1"), proxies) == counted


@pytest.mark.parametrize(
    ("client", "forwarded", "counted"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8:ffff::1", ["2001:db8:1:2::9"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # the first entry is the caller's own
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),  # two proxies of ours
        ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
    ],
)
def test_our_own_proxies_are_believed_about_whom_they_heard(client: str, forwarded: list[str], counted: str) -> None:
    assert client_address(request(client, *forwarded), PROXIES) == counted
