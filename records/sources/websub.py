"""A channel's subscription at its hub (W3C WebSub), in MongoDB (`subscriptions`): the scheduler asks for it, the
gateway answers for it.

`_id` is the channel's id. `asked` is what the hub may confirm now; nothing else is ever confirmed. `due_at` is when the
scheduler asks next: again, where nothing came of it, or before `lease_until`, up to which the hub pushes.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import SecretStr

from kit.mongo import Database
from kit.secret import digest

PATH = "/webhooks/websub/"  # of callbacks; the token follows


class Mode(StrEnum):
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class SubscriptionState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"  # until `lease_until`
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Callback:
    """`token` makes the address unguessable, `secret` signs what is pushed there; 256 bits each."""

    token: str
    secret: SecretStr

    @property
    def digest(self) -> str:
        return digest(self.token)


def callback(key: SecretStr, channel_id: str) -> Callback:
    """Derive the callback of a channel from WEBHOOK_KEY, so that nothing stored is worth stealing."""
    return Callback(_derive(key, "token", channel_id), SecretStr(_derive(key, "secret", channel_id)))


async def let_go(db: Database, channel_id: str, now: datetime) -> None:
    """Let the scheduler check now whether any source of this channel is left. Does nothing for an id of no channel."""
    quiet = {"_id": channel_id, "due_at": {"$gt": now}, "asked": {"$ne": Mode.UNSUBSCRIBE}}
    await db.subscriptions.update_one(quiet, {"$set": {"due_at": now, "failures": 0}})


def terms(key: SecretStr, public_url: str) -> str:
    """Return a mark of the key and of our address: subscriptions made under earlier ones are renewed."""
    return _derive(key, "terms", public_url)


def _derive(key: SecretStr, label: str, of: str) -> str:
    mac = hmac.new(key.get_secret_value().encode(), f"{label} {of}".encode(), hashlib.sha256)
    return urlsafe_b64encode(mac.digest()).decode().rstrip("=")
