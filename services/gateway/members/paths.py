"""The addresses of public pages."""

from urllib.parse import quote

from services.gateway.members.routes import router


def profile_path(username: str) -> str:
    return f"{router.prefix}/{quote(username)}/"
