"""Who makes a request."""

from dataclasses import dataclass
from enum import StrEnum

OPERATOR = "operator"  # the role of those who run the service


class Via(StrEnum):
    JWT = "jwt"
    API_TOKEN = "api_token"  # noqa: S105
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: str
    username: str
    via: Via = Via.JWT
    roles: frozenset[str] = frozenset()  # by the host application's word; a member's record may name more
