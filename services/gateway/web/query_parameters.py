"""Query parameters that an address does not have, or that are sent twice: a filter that is not applied is no filter."""

from starlette.requests import Request

from services.gateway.web.errors import MAX_FIELD_CHARS, InvalidRequestError

# Providers and hubs add what they like, and links into sign-in come with what mail programs and counters add.
STRICT, BUT_NOT = "/api/", ("/start/", "/callback/")
Described = dict[tuple[str, str], frozenset[str]]


async def known_query(request: Request) -> None:
    """Raises `InvalidRequestError` for a parameter that the API's description does not name, and for a repeated one."""
    path = request.url.path
    if not request.query_params or not path.startswith(STRICT) or path.endswith(BUT_NOT):
        return
    known = _described(request).get((request.scope["route"].path, request.method))
    if known is None:
        return
    unknown = [name[:MAX_FIELD_CHARS] for name in request.query_params if name not in known][:10]
    if unknown:
        fields = [{"field": name, "problem": "There is no such parameter."} for name in unknown]
        there_are = f"There are: {', '.join(sorted(known))}." if known else "This address has none."
        raise InvalidRequestError(f"There is no query parameter {', '.join(unknown)} here. {there_are}", fields=fields)
    if twice := [name for name in known if len(request.query_params.getlist(name)) > 1]:
        fields = [{"field": name, "problem": "Send it once."} for name in twice]
        raise InvalidRequestError(f"Query parameters sent more than once: {', '.join(sorted(twice))}.", fields=fields)


def _described(request: Request) -> Described:
    """The names of query parameters by path and method, read once from the description."""
    state = request.app.state
    if not hasattr(state, "query_parameters"):
        state.query_parameters = {
            (path, method.upper()): frozenset(
                one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"
            )
            for path, methods in request.app.openapi()["paths"].items()
            for method, operation in methods.items()
        }
    found: Described = state.query_parameters
    return found
