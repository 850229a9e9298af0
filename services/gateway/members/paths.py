"""The addresses of public pages."""

from urllib.parse import quote

USERS = "/api/v1/users"


def profile_path(username: str) -> str:
    return f"{USERS}/{quote(username)}/"
