"""Requests that a browser signs by itself, with its cookie, must come from our own pages.

Browsers say where a request comes from, and no page can make them lie (Fetch Metadata; the Origin header of RFC 6454).
A request with a bearer token needs none of this: no browser adds one unasked.
"""

from starlette.requests import Request

from services.gateway.web.errors import ForbiddenError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site(
    request: Request, own_origin: str, *, also_safe: bool = False, allow_direct: bool = False
) -> None:
    """Raise `ForbiddenError` if the method changes something and the request is not from one of our own pages.

    `also_safe`: check a GET too. `allow_direct`: also accept direct navigation (Sec-Fetch-Site: none).
    """
    if request.method in SAFE and not also_safe:
        return
    site = request.headers.get("sec-fetch-site")
    ours = site == "same-origin" if site is not None else request.headers.get("origin") == own_origin
    if not ours and not (allow_direct and site == "none"):
        raise ForbiddenError(
            "A browser sent this from another site's page.",
            suggestion="Use this service's pages, or send an API token as `Authorization: Bearer …` and no cookie.",
        )
