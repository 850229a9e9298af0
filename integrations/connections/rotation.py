"""Every sealed value under the first key, while everything runs (`thrive keys rotate`).

Without downtime: give every process the new key as the last one of TOKEN_KEYS, then as the first one, rotate, and
drop the old key when `thrive keys show` counts nothing under it.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kit.mongo import Database, Document
from kit.vault import Vault, VaultError, key_id

SEALED = ("access_token", "refresh_token")  # in `connections`, each bound to (user_id, provider, field)
PASSES = 10  # what was stored during one pass may be under an old key still


@dataclass(frozen=True, slots=True)
class Rotation:
    kid: str  # what everything is under now
    rewrapped: int
    left: int  # stored meanwhile by a process that still seals with another key: rotate again
    broken: int  # that no key of ours opens


async def rotate(db: Database, vault: Vault) -> Rotation:
    """Safe to repeat and to run beside anything: a value that has changed since it was read is left for the next
    pass. Raises VaultError where there is no key at all."""
    kid = vault.sealing_kid
    rewrapped = 0
    for _ in range(PASSES):
        done, left, broken = await _pass(db, vault)
        rewrapped += done
        if not left:
            break
    return Rotation(kid, rewrapped, left, broken)


async def count_by_key(db: Database) -> Counter[str]:
    """Key id → how many values are sealed with it; the id is "" of what is no sealed value."""
    counts: Counter[str] = Counter()
    async for _, _, sealed in _sealed(db):
        try:
            counts[key_id(sealed)] += 1
        except VaultError:
            counts[""] += 1
    return counts


async def _pass(db: Database, vault: Vault) -> tuple[int, int, int]:
    """How many it wrapped anew, found changed, and could not open."""
    done = left = broken = 0
    async for document, field, sealed in _sealed(db):
        try:
            anew = vault.rewrap(sealed, bound_to=(document["user_id"], document["provider"], field))
        except VaultError:
            broken += 1
            continue
        if anew is None:
            continue
        result = await db.connections.update_one({"_id": document["_id"], field: sealed}, {"$set": {field: anew}})
        done += result.matched_count
        left += 1 - result.matched_count
    return done, left, broken


async def _sealed(db: Database) -> AsyncIterator[tuple[Document, str, str]]:
    async for document in db.connections.find({}, {"user_id": 1, "provider": 1, **dict.fromkeys(SEALED, 1)}):
        for field in SEALED:
            if sealed := document.get(field):
                yield document, field, sealed
