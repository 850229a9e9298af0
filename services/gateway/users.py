"""Members, as their tokens name them: `users` {_id: the token's subject, username: unique, created_at}."""

import hashlib
from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError
from slugify import slugify

from kit.mongo import Collection, Database

MAX_USERNAME_CHARS = 40
REMEMBERED = 100_000  # names, oldest forgotten first
NUMBERED = 20  # so many members may share a name and be told apart by a small number

# First segments of our own addresses, /{username}/{slug} and /api/v1/{username}/… would be mistaken for.
RESERVED = frozenset({
    "admin", "api", "console", "docs", "errors", "explore", "figma", "github", "gitlab", "health", "imports",
    "integrations", "livez", "login", "logout", "metrics", "oauth", "points", "projects", "readyz", "settings",
    "sources", "static", "tasks", "users", "webhooks", "youtube",
})  # fmt: skip


class Users:
    """Remembers names per process, so that a request writes only when it brings a member never seen before."""

    def __init__(self, db: Database) -> None:
        self._users: Collection = db["users"]
        self._names: dict[str, str] = {}

    async def name(self, user_id: str, wanted: str) -> str:
        """The member's username, given now if this is their first request. It never changes afterwards."""
        if known := await self.find_name(user_id):
            return known
        for username in candidates(user_id, wanted):
            try:
                await self._users.insert_one({"_id": user_id, "username": username, "created_at": datetime.now(UTC)})
            except DuplicateKeyError:
                # Either the name is another's, or this member arrived twice at the same moment.
                if known := await self.find_name(user_id):
                    return known
                continue
            return self._remember(user_id, username)
        raise RuntimeError("no username was free")

    async def find_name(self, user_id: str) -> str | None:
        if known := self._names.get(user_id):
            return known
        user = await self._users.find_one({"_id": user_id}, {"username": 1})
        if user is None:
            return None
        return self._remember(user_id, user["username"])

    def _remember(self, user_id: str, username: str) -> str:
        if len(self._names) >= REMEMBERED:
            del self._names[next(iter(self._names))]
        self._names[user_id] = username
        return username

    async def find_id(self, username: str) -> str | None:
        user = await self._users.find_one({"username": username.lower()}, {"_id": 1})
        return str(user["_id"]) if user else None


def candidates(user_id: str, wanted: str) -> list[str]:
    """Usernames to try, best first: ada, ada-2, ada-3 … and last one that only this member can have."""
    mark = hashlib.sha256(user_id.encode()).hexdigest()[:12]
    base = slugify(wanted[:200], max_length=MAX_USERNAME_CHARS, regex_pattern=r"[^-a-z0-9_]+") or f"member-{mark}"
    names = [base, *(f"{base}-{number}" for number in range(2, NUMBERED + 1)), f"{base}-{mark}"]
    return [name for name in names if name not in RESERVED]
