"""What one process holds of one account's bucket: a block of units from the ledger, spent without asking it."""

import asyncio
import math
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from kit.budgets import metrics
from kit.budgets.bucket import OURS, Bucket, Reading
from kit.budgets.ledger import LATE, NEVER, Entry, Ledger, Report
from kit.errors import BudgetSpentError

FIRST_BLOCK, LARGEST_BLOCK = 8, 100_000
BLOCK_LASTS = timedelta(seconds=1)  # about; blocks grow and shrink towards it
ASK_AGAIN = timedelta(seconds=1)  # what is gone may come back: other processes return what they do not use
IDLE_AFTER = timedelta(seconds=3)  # then what is left goes back
READ_EVERY = timedelta(seconds=0.1)
STALE = timedelta(seconds=30)  # without a word from the ledger; it soon gives our units to others
ACTIVE = timedelta(minutes=5)  # a member who spent so lately has a share in what is scarce
MOST_TURNS = 100  # windows that are promised beforehand
MARKS = 128  # members are counted in so many groups, so that an entry of the ledger stays small

UNOPENED = Entry(granted=0, window=-1, reset_at=NEVER, units=0, left=0, limited_until=NEVER, members={})


class Purse:
    """Units for either interactive or other work. Every method but `spend` and `report` is synchronous."""

    def __init__(
        self, bucket: Bucket, account: str, ledger: Ledger, clock: Callable[[], datetime], *, interactive: bool
    ) -> None:
        self._bucket = bucket
        self._account = account
        self._ledger = ledger
        self._clock = clock
        self._part = "interactive" if interactive else "sync"
        self._reserve = 0.0 if interactive else bucket.reserve
        self._entry = UNOPENED
        self._units = 0
        self._in_flight = 0
        self._unread = 0  # spent since the last reading
        self._queued = 0  # refused in this window
        self._waiting = 0
        self._block = FIRST_BLOCK
        self._spent: Counter[str] = Counter()
        self._reading: Reading | None = None
        self._limited_until = NEVER
        self._reported_at = self._ask_at = self._used_at = self._read_at = NEVER
        self._lock = asyncio.Lock()
        self._metrics = metrics.of(bucket.name, self._part)

    async def spend(self, cost: int, user_id: str) -> int:
        """Takes `cost` units for a call; returns the window that they belong to. Raises BudgetSpentError."""
        while not self._take(cost, user_id):
            self._waiting += cost
            try:
                async with self._lock:
                    now = self._clock()  # others have asked meanwhile, perhaps in vain
                    if self._outdated(now) or (self._units < cost and now >= self._ask_at):
                        await self._refill(cost)
            finally:
                self._waiting -= cost
        return self._entry.window

    def _take(self, cost: int, user_id: str) -> bool:
        now = self._clock()
        entry = self._entry
        if now < max(entry.limited_until, self._limited_until):
            raise self._refusal("limited", max(entry.limited_until, self._limited_until), now)
        if self._outdated(now):
            return False
        if self._units < cost:
            if now < self._ask_at:
                raise self._queue(cost)
            return False
        if self._bucket.fair and user_id:
            mark = self._mark(user_id)
            if self._over_share(mark, now):
                raise self._refusal("share", min(entry.reset_at, now + ACTIVE), now)
            self._spent[mark] += cost
        self._units -= cost
        self._in_flight += cost
        self._used_at = now
        self._metrics.spent.inc(cost)
        return True

    def curious(self, now: datetime) -> bool:
        """Whether an answer is worth reading: now and then while there is plenty, each where it is scarce."""
        return self._entry.scarce or now - self._read_at >= READ_EVERY

    def settle(self, cost: int, reading: Reading | None) -> None:
        """The call was made; `reading` is what its answer told of the bucket."""
        self._in_flight -= cost
        if reading is None or reading.reset_at <= self._clock():
            self._unread += cost
            return
        if self._reading is None or reading.used >= self._reading.used:  # answers overtake one another
            self._reading, self._unread = reading, 0
        self._read_at = self._clock()
        left = reading.limit - reading.used
        self._units = min(self._units, max(0, left - self._in_flight))
        if left <= 0:
            self.limit(reading.reset_at)

    def give_back(self, cost: int, window: int, user_id: str) -> None:
        """The call did not happen, or the upstream does not count it."""
        self._in_flight -= cost
        if window == self._entry.window:
            self._units += cost
        if self._bucket.fair and user_id:
            self._spent[self._mark(user_id)] -= cost
        self._metrics.given_back.inc(cost)

    def limit(self, until: datetime) -> None:
        """The upstream turns this account away until then."""
        until = until.replace(microsecond=until.microsecond // 1_000 * 1_000)  # as MongoDB keeps it
        self._limited_until = max(self._limited_until, until)

    def due(self, now: datetime) -> bool:
        """Whether the ledger should hear from us: at once, when others should know that we are turned away."""
        return self._limited_until > self._entry.limited_until or now - self._reported_at >= BLOCK_LASTS

    def idle(self, now: datetime) -> bool:
        return not self._in_flight and not self._waiting and now - self._used_at >= IDLE_AFTER

    @property
    def empty(self) -> bool:
        return not self._units and not self._in_flight and not self._waiting

    async def report(self, *, leave: bool = False) -> None:
        """Tells the ledger what has happened; with `leave`, returns all units that are left."""
        async with self._lock:
            await self._exchange(leave=leave)

    async def _refill(self, cost: int) -> None:
        now = self._clock()
        quick = now - self._reported_at < BLOCK_LASTS
        self._block = min(self._block * 2, LARGEST_BLOCK) if quick else max(FIRST_BLOCK, self._block // 2)
        need = cost if self._outdated(now) else cost - self._units
        await self._exchange(want=max(self._block, self._waiting), need=need)
        self._ask_at = NEVER if self._units >= cost else min(now + ASK_AGAIN, self._entry.reset_at)

    async def _exchange(self, *, leave: bool = False, want: int = 0, need: int = 0) -> None:
        now, before = self._clock(), self._entry
        # Units of a window that is over, or that the ledger may have given to others by now, are not ours to spend.
        returned = self._units if leave or self._outdated(now) else 0
        self._units -= returned
        spent, self._spent = self._spent, Counter()
        report = Report(
            window=before.window,
            units=self._units,  # what is spent of them while we wait for the answer is held as well
            in_flight=self._in_flight,
            unread=self._unread,
            returned=returned,
            want=want,
            need=need,
            reserve=math.ceil(self._reserve * (before.units or self._bucket.units)),
            reading=self._reading if self._reading and self._reading.reset_at > now else None,
            limited_until=self._limited_until,
            spent=spent,
        )
        try:
            entry = await self._ledger.exchange(self._bucket, self._account, report, part=self._part, now=now)
        except BaseException:
            self._units += returned
            self._spent.update(spent)
            raise
        if entry.window != before.window:
            self._units, self._unread, self._queued, self._reading = 0, 0, 0, None
        self._units += entry.granted
        self._entry = entry
        self._reported_at = now
        self._metrics.exchanges.inc()
        if self._account in OURS:
            self._metrics.left.set(entry.left)

    def _outdated(self, now: datetime) -> bool:
        return now >= self._entry.reset_at or now - self._reported_at >= STALE

    def _over_share(self, mark: str, now: datetime) -> bool:
        """Whether a member has had an equal part already of what is scarce, and others are asking too."""
        entry = self._entry
        if not entry.scarce:
            return False
        active = {other for other, member in entry.members.items() if now - member["at"] < ACTIVE} | {mark}
        used = entry.members.get(mark, {"used": 0})["used"] + self._spent[mark]
        return len(active) > 1 and used >= entry.units / len(active)

    def _mark(self, user_id: str) -> str:
        return str(zlib.crc32(f"{self._entry.window}{user_id}".encode()) % MARKS)

    def _queue(self, cost: int) -> BudgetSpentError:
        """The units of this window are gone. Whoever comes when the next one's are promised as well waits for the one
        after it: nobody need come back in vain."""
        turn, now = self._entry.reset_at, self._clock()
        for _ in range(min(self._queued // max(1, self._entry.units), MOST_TURNS)):
            turn = self._bucket.next_reset(turn) + LATE
        self._queued += cost
        error = self._refusal("gone", turn - LATE, now)
        error.retry_at = turn
        return error

    def _refusal(self, why: str, until: datetime, now: datetime) -> BudgetSpentError:
        self._metrics.refused(why)
        title = self._bucket.title
        if why == "share":
            return BudgetSpentError(
                f"Many imports need {title} now, and your share is used up. Yours continue at {until:%H:%M} UTC.",
                retry_at=until,
            )
        return BudgetSpentError.resets(title, until, now)
