"""Whose requests count together where nobody is signed in."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

SUBSCRIBER = 64  # bits of an IPv6 address that one subscriber has for all their own

Address = IPv4Address | IPv6Address
Networks = Collection[IPv4Network | IPv6Network]


def peer(request: Request, proxies: Networks = ()) -> str:
    """The address that the request came from; of IPv6, the subscriber's network.

    Each proxy adds whom it heard to the end of X-Forwarded-For. Only what our own `proxies` say is believed: what
    stands before their entries is the caller's word.
    """
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    host = request.client.host if request.client else ""
    address = _address(host)
    while address and hops and any(address in network for network in proxies):
        before = _address(hops.pop().strip())
        if before is None:
            break
        address = before
    if address is None:
        return host
    return str(address if isinstance(address, IPv4Address) else ip_network((int(address), SUBSCRIBER), strict=False))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
