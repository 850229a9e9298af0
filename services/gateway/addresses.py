"""Whose requests count together where nobody is signed in."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import Request

SUBSCRIBER = 64  # bits of an IPv6 address that one subscriber has for all their own


def peer(request: Request) -> str:
    """The address that the request came from, whatever its headers say; of IPv6, the subscriber's network."""
    host = request.client.host if request.client else ""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), SUBSCRIBER), strict=False))
