"""A member's account that its provider has refused. Once may be the provider's own mistake: so the tokens stay, and
nobody asks again for a while. Only what is refused again and again is erased, and its member told.
"""

from datetime import timedelta

from integrations.connections.store import Connections, Held, unchanged
from kit.mongo import to_millis

ENOUGH = 3  # refusals, before the tokens are erased


async def doubt(
    connections: Connections, held: Held, title: str, refused_for: timedelta, *, unusable: bool
) -> Held | None:
    """Count a refusal; all at the same time are one. The third, `refused_for` after the first or later, ends the
    connection until the member consents again. `unusable` where the access token itself was refused, which nobody uses
    for a while then. Returns the connection as it is after that."""
    which, now = held.connection, connections.now()
    if not held.refusals or max(held.use_after or now, held.retry_at or now) <= now:
        first = to_millis(held.refused_at or now)
        if held.refusals + 1 >= ENOUGH and now - first >= refused_for:
            await connections.mark_needs_reauth(held, title)
        else:
            soon = refused_for / 10
            until = to_millis(now + (max(first + refused_for - now, soon) if held.refusals else soon))
            counted = {"refusals": held.refusals + 1, "refused_at": first, "retry_at": until}
            await connections.db.connections.update_one(
                {**unchanged(held), "refusals": held.refusals or None},
                {"$set": counted | ({"use_after": until} if unusable else {})},
            )
    return await connections.held(which.user_id, which.provider)


async def trust(connections: Connections, user_id: str, provider: str, version: int) -> None:
    """The provider took the tokens of this version: what was refused before was its own mistake."""
    await connections.db.connections.update_one(
        {"_id": f"{user_id}/{provider}", "version": version},
        {"$unset": dict.fromkeys(("refusals", "refused_at", "use_after", "retry_at"), "")},
    )
