"""One attempt of a call, paid before it is made; what never reached the upstream, or was free, is given back."""

import asyncio
from datetime import datetime, timedelta
from types import TracebackType

from kit.budgets.bucket import Bucket, Charge, Reading
from kit.budgets.budgets import Budgets
from kit.budgets.purse import Purse
from kit.budgets.slots import SlotPool
from kit.errors import BudgetSpentError, RateLimitError
from kit.http.exchange import NEVER_SENT, Response

PATIENCE = timedelta(seconds=5)  # a longer wait is not for a consumer to sit out
REFUSING = frozenset({403, 429})


class Spending:
    """`async with` it around one attempt. Entering raises BudgetSpentError where the budget is gone, and RateLimitError
    where what is asked for is not to be asked for just now."""

    __slots__ = ("_budgets", "_charge", "_paid", "_pool", "_response")

    def __init__(self, budgets: Budgets, charge: Charge) -> None:
        self._budgets = budgets
        self._charge = charge
        self._paid: list[tuple[Purse, Bucket, int, int]] = []  # and the window of each
        self._pool: SlotPool | None = None
        self._response: Response | None = None

    def answered(self, response: Response) -> None:
        self._response = response

    async def __aenter__(self) -> "Spending":
        try:
            await self._pay()
        except BaseException:
            self._give_back()
            raise
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.release()
        if self._response:
            self._settle(self._response)
        elif isinstance(error, NEVER_SENT):
            self._give_back()
        else:  # nobody knows whether it was counted
            for purse, bucket, cost, _ in self._paid:
                self._spend(purse, bucket, cost, None)

    async def _pay(self) -> None:
        charge, budgets = self._charge, self._budgets
        patience: datetime | None = None
        for bucket, cost in charge.costs:
            self._require_open(bucket)
            while True:
                purse = budgets.purse(bucket, charge.account, interactive=charge.interactive)
                try:
                    window = await purse.spend(cost, charge.user_id)
                except BudgetSpentError as error:
                    patience = patience or budgets.now() + PATIENCE
                    if error.retry_at is None or error.retry_at > patience:
                        raise
                    await budgets.sleep((error.retry_at - budgets.now()).total_seconds())
                else:
                    self._paid.append((purse, bucket, cost, window))
                    break
        if charge.slots:
            pool = budgets.pool(charge.slots, charge.account)
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    await pool.take()
            except TimeoutError:
                raise BudgetSpentError(
                    f"{charge.slots.title} is busy with our other requests.", retry_at=budgets.now() + PATIENCE
                ) from None
            self._pool = pool

    def _settle(self, response: Response) -> None:
        now = self._budgets.now()
        for purse, bucket, cost, window in self._paid:
            if bucket.free and bucket.free(response):
                purse.give_back(cost, window, self._charge.user_id)
                self._judge(bucket, response, None, now)
                continue
            self._spend(purse, bucket, cost, bucket.read(response, now) if bucket.read and purse.curious(now) else None)
            if bucket.limited_until:
                refused = response.status in REFUSING and bucket.limited_until(response, now)
                self._judge(bucket, response, refused or None, now)

    def _judge(self, bucket: Bucket, response: Response, until: datetime | None, now: datetime) -> None:
        """Whether the upstream turns away the account, or whoever asks for this thing."""
        account, thing = (bucket.name, self._charge.account), self._charge.thing
        if until is None:
            self._budgets.turned_away.answered(account, thing)
            return
        exhausted = not thing or (bucket.exhausted is not None and bucket.exhausted(response, now))
        if exhausted or self._budgets.turned_away.refused(account, thing, until, now):
            self._budgets.limit(bucket, self._charge.account, until)

    def _require_open(self, bucket: Bucket) -> None:
        charge, now = self._charge, self._budgets.now()
        if until := self._budgets.turned_away.until((bucket.name, charge.account), charge.thing, now):
            raise RateLimitError(f"{bucket.title} asks us to wait before we read this one.", retry_at=until)

    def _spend(self, purse: Purse, bucket: Bucket, cost: int, reading: Reading | None) -> None:
        purse.settle(cost, reading)
        self._charge.spent[bucket.name] += cost

    def _give_back(self) -> None:
        for purse, _, cost, window in self._paid:
            purse.give_back(cost, window, self._charge.user_id)
        self._paid.clear()


class Free:
    """An attempt that costs nothing."""

    async def __aenter__(self) -> "Free":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def answered(self, response: Response) -> None:
        pass


FREE = Free()
