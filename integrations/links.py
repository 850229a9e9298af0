"""What a member pasted, taken apart without trusting it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from kit.errors import InvalidURLError

MAX_URL_CHARS = 2_048
DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418, "git+https": 443, "git+ssh": 22}
JOINERS = frozenset("\u200c\u200d")  # which words of some scripts are spelt with
WEB = frozenset({"http", "https"})
_SCP = re.compile(r"git@([\w.-]+):(?!//)/?(\S+)")  # git@host:path
_BARE = re.compile(r"[\w-]+(\.[\w-]+)+(/|$)", re.ASCII)  # host/path, as browsers show it


@dataclass(frozen=True, slots=True)
class Link:
    scheme: str
    host: str  # lower case, with the port where it is not the scheme's own
    segments: tuple[str, ...]  # of the path, still percent-encoded
    query: Mapping[str, list[str]]


def parse(url: str) -> Link:
    """Raises InvalidURLError for what no provider's link looks like: other schemes, user names, backslashes, blanks,
    control characters, letters outside ASCII in the host, `..` in the path, however it is spelt."""
    url = url.strip()
    if len(url) > MAX_URL_CHARS:
        raise InvalidURLError(f"A link has at most {MAX_URL_CHARS} characters.")
    if not url or "\\" in url or any(char.isspace() or not (char.isprintable() or char in JOINERS) for char in url):
        raise InvalidURLError("This is not a link.")
    if scp := _SCP.fullmatch(url):
        url = f"ssh://{scp[1]}/{scp[2]}"
    elif _BARE.match(url):
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        query = parse_qs(parts.query, max_num_fields=100)
    except ValueError:
        raise InvalidURLError("This is not a link.") from None
    if parts.scheme not in DEFAULT_PORTS or not host or not host.isascii():
        raise InvalidURLError("This is not a link to a web page.")
    by_ssh = parts.scheme.endswith("ssh") and parts.username == "git" and parts.password is None
    if "@" in parts.netloc and not by_ssh:
        raise InvalidURLError("A link with a user name in it is not imported.")
    segments = tuple(segment for segment in parts.path.split("/") if unquote(segment) not in ("", "."))
    if ".." in map(unquote, segments):
        raise InvalidURLError("This is not a link.")
    host = host.removesuffix(".")  # as names end that are not to be completed
    if port not in (None, DEFAULT_PORTS[parts.scheme]):
        host = f"{host}:{port}"
    return Link(parts.scheme, host, segments, query)
