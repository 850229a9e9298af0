"""Requests that a browser signs by itself, with its cookie, must come from our own pages.

Browsers say where a request comes from, and no page can make them lie (Fetch Metadata; the Origin header of RFC 6454).
A request with a bearer token needs none of this: no browser adds one unasked.
"""

from starlette.requests import Request

from services.gateway.web.errors import ForbiddenError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site(request: Request, own_origin: str, *, also_safe: bool = False, typed: bool = False) -> None:
    """Raises `ForbiddenError` for a method that changes something, unless it is our own page that asks. `also_safe`:
    for a GET too. `typed`: but not for an address that the member typed, or kept as a bookmark."""
    if request.method in SAFE and not also_safe:
        return
    site = request.headers.get("sec-fetch-site")
    ours = site == "same-origin" if site is not None else request.headers.get("origin") == own_origin
    if not ours and not (typed and site == "none"):
        raise ForbiddenError(
            "A browser sent this from another site's page.",
            suggestion="Use this service's pages, or send an API token as `Authorization: Bearer …` and no cookie.",
        )
