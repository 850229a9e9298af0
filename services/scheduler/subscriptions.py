"""Every followed collection whose provider pushes has one subscription at the hub of its feed, so that news need not
wait for the next sync. Nothing else depends on them.

Any number of schedulers may run: a claim is the move of `due_at` into the future, where a request that comes to nothing
is made again. `failures` counts requests since the hub last confirmed one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import structlog
from prometheus_client import Counter, Gauge
from pydantic import SecretStr

from integrations.collection import Collection
from kit.clock import Clock, utc_now
from kit.mongo import Database, Document
from records.leases import lease
from records.sources.record import followed
from records.sources.schedule import pause_after
from records.sources.websub import PATH, Callback, Mode, SubscriptionState, callback, terms
from services.scheduler.followed import OVERLAP, changed_feeds, writes
from services.scheduler.hub import HubBusyError, HubRefusedError

log = structlog.get_logger()

ASKED = Counter(
    "thrive_hub_requests", "Requests to hubs, by mode and answer: taken, busy, refused.", ["mode", "outcome"]
)
SUBSCRIPTIONS = Gauge(
    "thrive_subscriptions",
    "Subscriptions of channels at their hub, by state; a lapsed one brings no pushes.",
    ["state"],
)

AT_ONCE = 10  # requests to the hub
MOST = 1_000  # sources that are read at once
PAGES_IN_A_ROUND = 20  # of a sweep; then the process shows that it is alive
LEASE_NAME = "subscriptions"
EVER = datetime(1970, 1, 1, tzinfo=UTC)
LEASE = timedelta(days=10)  # that is asked for; the hub decides
LEASE_OF_SWEEP = timedelta(minutes=5)

Ask = Callable[[Mapping[str, str]], Awaitable[None]]


class Subscriptions:
    """`feeds` are the collections that are pushed, by their integrations' names."""

    def __init__(
        self,
        db: Database,
        ask: Ask,
        *,
        key: SecretStr,
        public_url: str,
        feeds: Mapping[str, Collection],
        sweep_every: timedelta,
        now: Clock = utc_now,
    ) -> None:
        self._db = db
        self._ask_hub = ask
        self._key = key
        self._public_url = public_url
        self._feeds = feeds
        self._terms = terms(key, public_url)
        self._sweep_every = sweep_every
        self._now = now
        self._swept_at: datetime | None = None
        self._resting_until: datetime | None = None

    async def tick(self) -> bool:
        """One round; whether there is more to do at once. Raises what the engines raise: the next round tries again."""
        now = self._now()
        if self._swept_at is None or now - self._swept_at >= self._sweep_every:
            self._swept_at = now if (swept := await self._sweep(now)) else None
            if not swept:
                return True
        if self._resting_until and now < self._resting_until:
            return False
        due = await self._db.subscriptions.find({"due_at": {"$lte": now}}).sort("due_at", 1).limit(AT_ONCE).to_list()
        await asyncio.gather(*(self._renew(subscription, now) for subscription in due))
        return len(due) == AT_ONCE

    async def _sweep(self, now: datetime) -> bool:
        """Make newly followed channels subscriptions, and those due that are no longer followed, or whose callback is
        no longer ours. Only sources that changed since the last sweep are read, whichever process made it.

        Returns False where there is more to read: the first sweep of many sources takes several rounds.
        """
        async with lease(self._db, LEASE_NAME, LEASE_OF_SWEEP, now=self._now) as fence:
            if fence is None:
                return True
            mine = {"_id": LEASE_NAME, "fence": fence}
            since = (await self._db.leases.find_one(mine) or {}).get("swept_to", EVER)
            for _ in range(PAGES_IN_A_ROUND):
                changed, until = await changed_feeds(self._db, self._feeds, since, MOST)
                if changes := await writes(self._db, changed, now):
                    await self._db.subscriptions.bulk_write(changes, ordered=False)
                await self._db.leases.update_one(mine, {"$set": {"swept_to": until or now - OVERLAP}})
                if until is None:
                    break
                since = until
            else:
                return False
            await self._db.subscriptions.update_many(
                {"terms": {"$ne": self._terms}, "due_at": {"$gt": now}}, {"$set": {"due_at": now, "failures": 0}}
            )
            await self._measure(now)
            return True

    async def _renew(self, subscription: Document, now: datetime) -> None:
        channel_id, platform = subscription["_id"], subscription["platform"]
        feed = self._feeds[platform]
        url = feed.url_of(channel_id)
        wanted = await self._db.sources.find_one(followed(platform, [url]), {"_id": 1})
        lapsed = subscription["lease_until"] is None or subscription["lease_until"] <= now
        claim = {"_id": channel_id, "due_at": subscription["due_at"]}
        if not wanted and lapsed:
            await self._db.subscriptions.delete_one(claim)
            return
        mode = Mode.SUBSCRIBE if wanted else Mode.UNSUBSCRIBE
        failures = subscription["failures"] + 1
        pause = pause_after(uuid5(NAMESPACE_URL, url), failures)
        address = callback(self._key, channel_id)
        changes = {
            "asked": mode,
            "callback": address.digest,
            "terms": self._terms,
            "failures": failures,
            "due_at": now + pause,
            "updated_at": now,
        }
        # Before the hub is asked: it may confirm before it answers.
        claimed = await self._db.subscriptions.update_one(claim, {"$set": changes})
        if claimed.modified_count:
            await self._ask(mode, feed.topic(channel_id), address, now)

    async def _ask(self, mode: Mode, topic: str, address: Callback, now: datetime) -> None:
        form = {
            "hub.mode": mode,
            "hub.topic": topic,
            "hub.callback": f"{self._public_url}{PATH}{address.token}/",
            "hub.secret": address.secret.get_secret_value(),
            "hub.lease_seconds": str(int(LEASE.total_seconds())),
            "hub.verify": "async",  # of the protocol's earlier versions; later ones ignore it
        }
        try:
            await self._ask_hub(form)
        except HubBusyError as error:
            ASKED.labels(mode, "busy").inc()
            log.info("hub is busy", mode=mode, reason=str(error))
            self._resting_until = now + error.pause
        except HubRefusedError as error:
            ASKED.labels(mode, "refused").inc()
            log.warning("hub refused a subscription", mode=mode, reason=str(error))
        else:
            ASKED.labels(mode, "taken").inc()

    async def _measure(self, now: datetime) -> None:
        """Counts the few that are not active; the others are the rest."""
        count, active = self._db.subscriptions.count_documents, SubscriptionState.ACTIVE
        told: dict[str, int] = {
            state: await count({"state": state}) for state in SubscriptionState if state is not active
        }
        told["lapsed"] = await count({"state": active, "lease_until": {"$lte": now}})
        told[active] = max(0, await self._db.subscriptions.estimated_document_count() - sum(told.values()))
        for state, number in told.items():
            SUBSCRIPTIONS.labels(state).set(number)
