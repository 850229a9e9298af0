"""Decides how long a deferred import waits. Pure: a problem and the number of its waits in, a time out.

Waits grow, whatever the upstream asks for: while a limit stays in force we ask less and less often, and in the end give
up.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.backoff import backoff
from kit.errors import BudgetSpentError, ImportProblem, RateLimitError

MIN_WAIT, MAX_WAIT = timedelta(seconds=1), timedelta(hours=25)  # the longest reset that we know is a day
# How long an unavailable upstream is waited for, in turn; after the last wait the import fails.
OUTAGE_WAITS = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3_600))
# After the first wait, which is as long as the upstream asks for: doubled each time. In all, half a day at least.
LIMIT_WAIT, LONGEST_LIMIT_WAIT, LIMIT_WAITS = timedelta(minutes=1), timedelta(hours=1), 20
# What waits for something that has no time looks again by itself, in case it missed the release; in all, weeks.
HELD_WAITS = tuple(timedelta(seconds=s) for s in (60, 900, 21_600, 86_400))
MAX_HELD_WAITS = MOST_WAITS = 50
JITTER = 0.25  # of a wait, added to it


@dataclass(frozen=True, slots=True)
class Waited:
    """How often an import has waited: in all, and in a row for an upstream that was down."""

    times: int = 0
    outages: int = 0


def is_down(problem: ImportProblem) -> bool:
    """Whether the import waits for an upstream that is down, and not for a limit or a member."""
    return problem.waits_for is None and not isinstance(problem, RateLimitError)


def due_at(
    problem: ImportProblem, waited: Waited, now: datetime, chance: float, *, outage_waits: tuple[timedelta, ...]
) -> datetime | None:
    """Return when to try again; None to give up. `chance` is in [0, 1)."""
    times, outages = waited.times, waited.outages
    told = max(problem.retry_at or now, now + MIN_WAIT)
    longer = 1 + JITTER * chance
    if problem.waits_for is not None:
        at = now + HELD_WAITS[min(times, len(HELD_WAITS) - 1)] if times < MAX_HELD_WAITS else None
    elif isinstance(problem, BudgetSpentError):  # the ledger says when our turn is, and no call was made in vain
        at = told
    elif isinstance(problem, RateLimitError):
        at = max(told, now + limit_wait(times) * longer) if times < LIMIT_WAITS else None
    else:
        again = outages < len(outage_waits) and times < MOST_WAITS
        at = max(told, now + outage_waits[outages] * longer) if again else None
    return min(at, now + MAX_WAIT) if at is not None else None


def limit_wait(waited: int) -> timedelta:
    """Return the least wait after so many waits for the same limit."""
    return backoff(waited - 1, LIMIT_WAIT, LONGEST_LIMIT_WAIT) if waited else timedelta(0)


def given_up(problem: ImportProblem) -> ImportProblem:
    """Return the problem of an import that is not tried again by itself."""
    if problem.waits_for is not None or isinstance(problem, BudgetSpentError):
        return problem
    told = copy(problem)
    told.action, told.retry_at = "retry", None
    told.suggestion = "All automatic tries have failed. Retry the import."
    if isinstance(problem, RateLimitError):
        told.error = "The limit was still in force after all waits."
    return told
