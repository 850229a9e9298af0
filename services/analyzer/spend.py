"""Caps on what the language model costs in a day, for each member and in all (`records.model_spend`).

A call's highest possible price is reserved before the call and settled to its real one after it, so that no number
of processes spends more than the caps. Amounts are millionths of a dollar; days are UTC's.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import openai
from openai.types import CompletionUsage
from pymongo.errors import PyMongoError

from kit.clock import Clock, utc_now
from kit.microbatch import MicroBatcher
from kit.mongo import Database
from records import model_spend
from records.model_spend import Account
from services.analyzer.settings import AnalyzerSettings

ALL = ""  # whose amount is everybody's
MICRO = 1_000_000
SETTLED_AFTER = 1.0  # seconds, at most
MOST_TOKENS = 100_000_000  # that a call is believed to have had
KEPT = timedelta(days=40)
SURE_OF_IT = timedelta(minutes=1)  # how long a refusal of a member is remembered


Sums = Counter[Account]


class SpendCapError(Exception):
    """The day's cap is reached, the member's or that of all. The analyzer then uses the extractive analysis."""


@dataclass(frozen=True, slots=True)
class Amount:
    day: str
    user_id: str
    micro: int


class Bill:
    """The usage of one call. Without usage, the whole reservation counts."""

    def __init__(self) -> None:
        self.usage: CompletionUsage | None = None

    def tokens(self) -> tuple[int, int] | None:
        """Return the input and output tokens, if the model reported plausible numbers."""
        told = (self.usage.prompt_tokens, self.usage.completion_tokens) if self.usage else ()
        match told:
            case (int(read), int(written)) if 0 <= read <= MOST_TOKENS and 0 <= written <= MOST_TOKENS:
                return read, written
        return None


class Spend:
    def __init__(self, db: Database, settings: AnalyzerSettings, *, clock: Clock = utc_now) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._reserve: MicroBatcher[Amount, bool] = MicroBatcher(self._reserve_many)
        # What calls cost less than was reserved; goes along with the next reservation.
        self._unsettled: Sums = Counter()
        self._settling: asyncio.Task[None] | None = None
        self._refused: dict[str, datetime] = {}

    def price(self, input_tokens: int, output_tokens: int) -> int:
        settings = self._settings
        dollars = input_tokens * settings.openai_input_price + output_tokens * settings.openai_output_price
        return round(dollars)  # prices are for a million tokens

    @asynccontextmanager
    async def paying(self, user_id: str, *, input_tokens: int, output_tokens: int) -> AsyncIterator[Bill]:
        """Reserve the price of one call of at most so many tokens, and settle it at the end.

        Raises SpendCapError before the call where the cap does not allow it.
        """
        now = self._clock()
        amount = Amount(f"{now:%Y-%m-%d}", user_id, self.price(input_tokens, output_tokens))
        if now < self._refused.get(user_id, now) or not await self._reserve(amount):
            raise SpendCapError
        bill, spent = Bill(), amount.micro
        try:
            yield bill
        except openai.APITimeoutError:
            raise  # it may have been answered, and charged, after we had left
        except (openai.APIConnectionError, openai.APIStatusError):  # never sent, or refused
            spent = 0
            raise
        finally:
            if (told := bill.tokens()) is not None:
                spent = self.price(*told)
            self._unsettled.update(_sums([Amount(amount.day, user_id, spent - amount.micro)]))
            self._settle_soon()

    async def _reserve_many(self, amounts: list[Amount]) -> list[bool | Exception]:
        if await self._take(amounts):
            return [True] * len(amounts)
        return [await self._take([amount]) for amount in amounts] if len(amounts) > 1 else [False]

    async def _take(self, amounts: list[Amount]) -> bool:
        """Reserve all of these amounts or none."""
        asked = _sums(amounts)
        if any(micro > self._cap(user_id) for (_, user_id), micro in asked.items()):
            return False
        sums = Counter({who: micro + self._unsettled.pop(who, 0) for who, micro in asked.items()})
        gone = await self._add(sums, capped=True)
        # Two processes that both begin an account look like a refusal to one of them: once more.
        gone = await self._add({who: sums[who] for who in gone}, capped=True) if gone else gone
        if not gone:
            return True
        self._unsettled.update({who: (sums[who] if who in gone else 0) - micro for who, micro in asked.items()})
        # What was added to one account while the other had no room is given back at once: tries that are repeated would
        # else hold one account full for each other, the member's and everybody's in turn, and none would ever succeed.
        with suppress(PyMongoError):  # goes along with a later one
            await self.settle()
        if len(amounts) == 1:
            self._remember(gone)
        return False

    def _settle_soon(self) -> None:
        self._settling = self._settling or asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLED_AFTER)
        self._settling = None
        with suppress(PyMongoError):  # goes along with a later one
            await self.settle()

    async def settle(self) -> None:
        """Store what calls really cost; counted on return."""
        unsettled, self._unsettled = self._unsettled, Counter()
        try:
            if unsettled:
                await self._add(unsettled)
        except PyMongoError:
            self._unsettled.update(unsettled)
            raise

    async def _add(self, sums: Mapping[Account, int], *, capped: bool = False) -> list[Account]:
        """Add to the accounts; returns those whose cap did not allow it."""
        expires_at, cap = self._clock() + KEPT, self._cap if capped else None
        return await model_spend.add(self._db, sums, expires_at=expires_at, cap=cap)

    def _cap(self, user_id: str) -> int:
        settings = self._settings
        dollars = settings.openai_daily_usd if user_id == ALL else settings.openai_daily_usd_per_member
        return round(dollars * MICRO)

    def _remember(self, gone: list[Account]) -> None:
        now = self._clock()
        self._refused = {user_id: until for user_id, until in self._refused.items() if until > now}
        self._refused |= {user_id: now + SURE_OF_IT for _, user_id in gone if user_id != ALL}


def _sums(amounts: list[Amount]) -> Sums:
    sums: Sums = Counter()
    for amount in amounts:
        sums[amount.day, ALL] += amount.micro
        sums[amount.day, amount.user_id] += amount.micro
    return sums
