"""The connections of the members (`connections`), their tokens sealed, each bound to its member, provider and field.

`_id` is `{user_id}/{provider}`. `version` grows with every change of the tokens, and who changes them names the version
that they read: so a slow refresh never overwrites a reconnection.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from pydantic import SecretStr
from pymongo import ReturnDocument

from integrations.connections.model import Connection, ConnectionState, Grant, waits_for
from integrations.provider import Account, Purpose
from kit.clock import Clock, utc_now
from kit.microbatch import MicroBatcher
from kit.mongo import Database, Document, to_millis
from kit.vault import Vault, VaultError
from records import deferred

log = structlog.get_logger(__name__)

EARLY = timedelta(minutes=5)  # a fifth of its life where that is shorter
USED_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is


@dataclass(frozen=True, slots=True)
class Held:
    """A connection with its tokens: for the fetcher and the walk, and for nobody else.

    Tokens that no key of ours opens are kept, as the key may come back; until then the state is `needs_reauth`.
    """

    connection: Connection
    grant: Grant | None  # None unless the state is `connected`
    version: int
    outages: int  # refreshes in a row that the provider did not answer
    retry_at: datetime | None  # no refresh before this
    refresh_at: datetime | None  # from here on the access token counts as old; None: never
    refusals: int = 0  # of the account by the provider, in a row, with pauses between them
    refused_at: datetime | None = None  # the first of them
    use_after: datetime | None = None  # the tokens are in doubt: nobody uses them before this

    def is_old(self, now: datetime) -> bool:
        return self.refresh_at is not None and self.refresh_at <= now

    def is_over(self, now: datetime) -> bool:
        ends = self.grant.expires_at if self.grant else None
        return ends is not None and ends <= now


class Connections:
    def __init__(self, db: Database, vault: Vault, *, now: Clock = utc_now) -> None:
        self.db = db
        self.now = now
        self._vault = vault
        self._read: MicroBatcher[str, Document | None] = MicroBatcher(partial(_read_many, db))

    async def list(self, user_id: str) -> list[Connection]:
        """Sorted by provider; what was disconnected is among them."""
        documents = await self.db.connections.find({"user_id": user_id}).sort("provider", 1).to_list()
        return [self._held(document).connection for document in documents]

    async def find(self, user_id: str, provider: str) -> Connection | None:
        document = await self.db.connections.find_one({"_id": _id(user_id, provider), "user_id": user_id})
        return self._held(document).connection if document else None

    async def held(self, user_id: str, provider: str) -> Held | None:
        """With the tokens opened."""
        document = await self._read(_id(user_id, provider))
        return self._held(document) if document and document["user_id"] == user_id else None

    async def save(
        self, user_id: str, provider: str, account: Account, grant: Grant, purpose: Purpose = Purpose.CONNECT
    ) -> tuple[Connection, Held | None]:
        """The member has consented, for the first time or again; what waits for it goes on. Returned with what it
        replaces, whose tokens are `Tokens.connect`'s to revoke."""
        stored = {
            "user_id": user_id,
            "provider": provider,
            "account_id": account.id,
            "account_name": account.name,
            "purpose": purpose,
            "state": ConnectionState.CONNECTED,
            "connected_at": to_millis(self.now()),
            **self._sealed(user_id, provider, grant),
        }
        before = await self.db.connections.find_one_and_update(
            {"_id": _id(user_id, provider)},
            {"$set": stored, **TRUSTED},
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        await self._settled(user_id, provider)
        return _connection((before or {}) | stored), self._held(before) if before else None

    async def replace(self, held: Held, grant: Grant) -> Held | None:
        """Store refreshed tokens. None where the connection has changed since it was read; nothing is written then."""
        which = held.connection
        document = await self.db.connections.find_one_and_update(
            unchanged(held),
            {"$set": self._sealed(which.user_id, which.provider, grant), **NEXT_VERSION},
            return_document=ReturnDocument.AFTER,
        )
        return self._held(document) if document else None

    async def postpone(self, held: Held, retry_at: datetime) -> None:
        """The provider did not answer: nobody refreshes before `retry_at`."""
        await self.db.connections.update_one(unchanged(held), {"$set": {"retry_at": retry_at}, "$inc": {"outages": 1}})

    async def mark_needs_reauth(self, held: Held, title: str) -> None:
        """The provider refuses the tokens: erase them, and tell the member once. Nothing where it has changed since."""
        which = held.connection
        notice = f"reauth:{_id(which.user_id, which.provider)}"
        # The notice first: if we die in between, the next refusal finds it there and goes on.
        await self.db.notices.update_one(
            {"_id": notice},
            {
                "$setOnInsert": {
                    "user_id": which.user_id,
                    "kind": "reauth_required",
                    "provider": which.provider,
                    "text": f"{title} access has expired or was revoked. "
                    f"Connect {title} again; waiting imports then continue.",
                    "action": f"connect_{which.provider}",
                    "created_at": self.now(),
                }
            },
            upsert=True,
        )
        result = await self.db.connections.update_one(
            unchanged(held), {"$set": {"state": ConnectionState.NEEDS_REAUTH}, **ERASE_TOKENS}
        )
        if not result.matched_count and await self._is(which, ConnectionState.CONNECTED):
            await self.db.notices.delete_one({"_id": notice})

    async def disconnect(self, user_id: str, provider: str) -> Held | None:
        """Erase the tokens; a tombstone stays. What waits for the connection goes on without. Returns what was erased,
        which is `Tokens.disconnect`'s to revoke; None where there was nothing to disconnect."""
        before = await self.db.connections.find_one_and_update(
            {"_id": _id(user_id, provider), "state": {"$ne": ConnectionState.DISCONNECTED}},
            {"$set": {"state": ConnectionState.DISCONNECTED, "scopes": []}, **ERASE_TOKENS},
            return_document=ReturnDocument.BEFORE,
        )
        if before is None:
            return None
        await self._settled(user_id, provider)
        return self._held(before)

    async def touch(self, connection: Connection) -> None:
        """It was used now; written once a minute."""
        now = self.now()
        if connection.last_used_at is None or connection.last_used_at <= now - USED_EVERY:
            await self.db.connections.update_one(
                {"_id": _id(connection.user_id, connection.provider)}, {"$max": {"last_used_at": now}}
            )

    async def _settled(self, user_id: str, provider: str) -> None:
        await self.db.notices.delete_one({"_id": f"reauth:{_id(user_id, provider)}"})
        await deferred.unblock(self.db, waits_for(user_id, provider), self.now())

    async def _is(self, connection: Connection, state: ConnectionState) -> bool:
        found = await self.find(connection.user_id, connection.provider)
        return found is not None and found.state is state

    def _sealed(self, user_id: str, provider: str, grant: Grant) -> Document:
        def seal(field: str, value: SecretStr | None) -> str | None:
            return self._vault.seal(value, bound_to=(user_id, provider, field)) if value else None

        return {
            "access_token": seal("access_token", grant.access_token),
            "refresh_token": seal("refresh_token", grant.refresh_token),
            "expires_at": grant.expires_at,
            "refresh_at": self._refresh_at(grant),
            "scopes": list(grant.scopes),
        }

    def _refresh_at(self, grant: Grant) -> datetime | None:
        """Before its end, so that no call meets it; at its end where we can only ask for consent again."""
        if grant.expires_at is None or grant.refresh_token is None:
            return grant.expires_at
        return grant.expires_at - min(EARLY, (grant.expires_at - self.now()) / 5)

    def _held(self, document: Document) -> Held:
        connection, grant = _connection(document), None
        try:
            grant = self._opened(document, connection)
        except VaultError as error:
            log.error("member's tokens cannot be decrypted", provider=connection.provider, reason=str(error))
            connection = replace(connection, state=ConnectionState.NEEDS_REAUTH)
        return Held(
            connection=connection,
            grant=grant,
            version=document["version"],
            outages=document.get("outages", 0),
            retry_at=document.get("retry_at"),
            refresh_at=document.get("refresh_at") if grant else None,
            refusals=document.get("refusals", 0),
            refused_at=document.get("refused_at"),
            use_after=document.get("use_after"),
        )

    def _opened(self, document: Document, connection: Connection) -> Grant | None:
        """Raises VaultError."""

        def opened(field: str) -> SecretStr | None:
            sealed = document.get(field)
            bound_to = (connection.user_id, connection.provider, field)
            return self._vault.open(sealed, bound_to=bound_to) if sealed else None

        access_token = opened("access_token")
        if access_token is None:
            return None
        return Grant(access_token, opened("refresh_token"), document.get("expires_at"), connection.scopes)


DOUBTS = ("refusals", "refused_at", "use_after")
NEXT_VERSION: Document = {"$inc": {"version": 1}, "$unset": {"outages": "", "retry_at": ""}}  # doubts stay
TRUSTED: Document = {"$inc": {"version": 1}, "$unset": dict.fromkeys(("outages", "retry_at", *DOUBTS), "")}
ERASE_TOKENS: Document = {
    "$inc": {"version": 1},
    "$unset": dict.fromkeys(
        ("access_token", "refresh_token", "expires_at", "refresh_at", "outages", "retry_at", *DOUBTS), ""
    ),
}


def _id(user_id: str, provider: str) -> str:
    return f"{user_id}/{provider}"


def unchanged(held: Held) -> Document:
    """A filter: the connection, where nobody has changed its tokens since it was read."""
    return {"_id": _id(held.connection.user_id, held.connection.provider), "version": held.version}


async def _read_many(db: Database, ids: list[str]) -> list[Document | Exception | None]:
    """Every fetch asks, most of them in vain: those that ask together share a query."""
    found = {document["_id"]: document async for document in db.connections.find({"_id": {"$in": [*set(ids)]}})}
    return [found.get(one) for one in ids]


def _connection(document: Document) -> Connection:
    return Connection(
        user_id=document["user_id"],
        provider=document["provider"],
        account_id=document["account_id"],
        account_name=document["account_name"],
        scopes=tuple(document["scopes"]),
        state=ConnectionState(document["state"]),
        connected_at=document["connected_at"],
        last_used_at=document.get("last_used_at"),
        purpose=Purpose(document.get("purpose", Purpose.CONNECT)),
    )
