"""Read request headers."""

MAX_WAIT_SECONDS = 60


def wait_seconds(prefer: str | None) -> int | None:
    """The `wait=N` of a Prefer header (RFC 7240), at most `MAX_WAIT_SECONDS`; other preferences are not ours."""
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "wait" and value.isascii() and value.isdigit():
            return min(int(value[:6]), MAX_WAIT_SECONDS)
    return None


def seen_version(last_event_id: str | None, version: int) -> int:
    """The version that a stream's client saw last; 0 if it names none, or one that does not exist yet."""
    text = last_event_id or ""
    seen = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return seen if seen <= version else 0
