"""Find the address that a request comes from, for limits on requests without a caller."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from services.gateway.web.provided import SettingsDep

SUBSCRIBER = 64  # bits of the IPv6 prefix that one subscriber gets

Address = IPv4Address | IPv6Address
Networks = Collection[IPv4Network | IPv6Network]


def client_address(request: Request, proxies: Networks = ()) -> str:
    """Return the address that the request came from; of IPv6, the subscriber's network.

    Each proxy appends its peer to X-Forwarded-For. Only the entries that our own `proxies` appended are trusted; a
    client can send the ones before them itself.
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


async def _of_request(request: Request, settings: SettingsDep) -> str:
    return client_address(request, settings.trusted_proxies)


AddressDep = Annotated[str, Depends(_of_request)]
