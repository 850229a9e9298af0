"""What schemathesis cannot know of our API: what there is, formats of our own, and what no schema can say of a request.

`schemathesis.toml` names this module.
"""

import json
import os
import string
from typing import Any

import schemathesis
from hypothesis import strategies as st

KNOWN: dict[str, Any] = json.loads(os.environ["KNOWN_TO_THE_GATEWAY"])

# Refusals of requests that fit their schema: the link is of nothing that we import, no account is connected, the
# Idempotency-Key was used for something else, the way back from a provider is none that was begun.
BEYOND_SCHEMAS = {"INVALID_URL", "AUTH_ERROR", "IDEMPOTENCY_KEY_REUSED", "OAUTH_STATE_INVALID", "CONSENT_REFUSED"}

words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=40)
schemathesis.openapi.format("printable", words)
schemathesis.openapi.format("uri", st.sampled_from(KNOWN["links"]) | st.builds("https://{}.example/".format, words))


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """Nobody waits for an import, since no stage runs here; and a request that is meant well names what there is."""
    if case.headers.get("prefer"):
        case.headers["prefer"] = "wait=0"
    if case.meta is None or case.meta.generation.mode.name != "POSITIVE":
        return case
    case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
    if "cursor" in case.query:
        case.query["cursor"] = KNOWN["cursor"]
    if "return_to" in case.query:
        case.query["return_to"] = "/done"
    return case


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """What fits its schema and is refused must say why by a code of its own."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    return json.loads(response.content).get("error_code") not in BEYOND_SCHEMAS
