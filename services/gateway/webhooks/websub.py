"""What a hub may confirm, and which subscription a push belongs to (`records.sources.websub`)."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import SecretStr

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document
from kit.secret import SECRET, digest
from records.sources.websub import Mode, SubscriptionState, callback
from services.gateway.web.provided import provided

SHORTEST, LONGEST, DEFAULT = timedelta(minutes=5), timedelta(days=30), timedelta(days=1)  # leases
RENEWED_AFTER = 0.7  # of a lease, and up to a fifth more, so that what began together does not come back together
DENIED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Subscription:
    platform: str  # the integration
    channel_id: str  # the collection's id there
    secret: SecretStr


class Subscriptions:
    def __init__(self, db: Database, key: SecretStr, *, now: Clock = utc_now) -> None:
        self._subscriptions = db.subscriptions
        self._key = key
        self._now = now

    async def find(self, token: str) -> Subscription | None:
        """Whose callback has this token."""
        if not self._key.get_secret_value() or not SECRET.fullmatch(token):
            return None
        record = await self._subscriptions.find_one({"callback": digest(token)}, {"_id": 1, "platform": 1})
        if record is None:
            return None
        address = callback(self._key, record["_id"])
        if not hmac.compare_digest(address.token, token):  # from under an earlier key
            return None
        return Subscription(record["platform"], record["_id"], address.secret)

    async def confirm(self, channel_id: str, mode: str, lease_seconds: str | None) -> bool:
        """Whether we have asked for this; then it is so."""
        if mode not in (Mode.SUBSCRIBE, Mode.UNSUBSCRIBE):
            return False
        pending = {"_id": channel_id, "asked": mode}
        if mode == Mode.UNSUBSCRIBE:
            return (await self._subscriptions.delete_one(pending)).deleted_count == 1
        changes = self._active(channel_id, _lease(lease_seconds))
        return (await self._subscriptions.update_one(pending, {"$set": changes})).matched_count == 1

    async def deny(self, channel_id: str) -> bool:
        """The hub will not push, or no longer. It is asked again in a day."""
        now = self._now()
        changes = {
            "state": SubscriptionState.DENIED,
            "asked": None,
            "lease_until": None,
            "due_at": now + DENIED_FOR,
            "updated_at": now,
        }
        return (await self._subscriptions.update_one({"_id": channel_id}, {"$set": changes})).matched_count == 1

    async def unwanted(self, channel_id: str) -> None:
        """Nobody follows it: the scheduler sees to its end."""
        await self._subscriptions.update_one(
            {"_id": channel_id, "asked": {"$ne": Mode.UNSUBSCRIBE}}, {"$set": {"due_at": self._now()}}
        )

    def _active(self, channel_id: str, lease: timedelta) -> Document:
        now = self._now()
        spread = int(digest(channel_id)[:8], 16) / 2**32
        return {
            "state": SubscriptionState.ACTIVE,
            "asked": None,
            "failures": 0,
            "lease_until": now + lease,
            "due_at": now + lease * (RENEWED_AFTER + spread / 5),
            "updated_at": now,
        }


def _lease(seconds: str | None) -> timedelta:
    """What the hub grants, within reason."""
    if seconds is None or not (seconds.isascii() and seconds.isdigit()):
        return DEFAULT
    return min(max(timedelta(seconds=int(seconds[:9])), SHORTEST), LONGEST)


SubscriptionsDep = Annotated[Subscriptions, provided(Subscriptions)]
