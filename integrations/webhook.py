"""Webhooks that operators set up at a provider: a reason to sync the sources that a delivery is about."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a provider signs and names its deliveries.

    `links` takes an event's name and a delivery's body, and returns the links that it is about. It raises ValueError
    for a body that is no such event.
    """

    secret: str  # the gateway's setting that holds the key of the signatures
    signature_header: str
    delivery_header: str
    event_header: str
    links: Callable[[str, bytes], list[str]]
    methods: frozenset[str] = frozenset({"sha256"})  # of the HMAC
