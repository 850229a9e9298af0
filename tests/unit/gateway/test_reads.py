"""How many public pages may be read in a minute."""

import pytest

from services.gateway.rate_limits.public_reads import MINUTE, MOST_READERS, Reads
from services.gateway.web.errors import MemberLimitError


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_each_reader_has_so_many_in_a_minute() -> None:
    clock = Clock()
    reads = Reads(2, clock=clock)
    for reader in ("address 192.0.2.1", "member 192.0.2.1"):
        reads.count(reader)
        reads.count(reader)
        with pytest.raises(MemberLimitError) as refusal:
            reads.count(reader)
    assert refusal.value.retry_at
    assert refusal.value.retry_at.timestamp() == clock.now + MINUTE
    clock.now += MINUTE
    reads.count("address 192.0.2.1")


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    clock = Clock()
    reads = Reads(1, clock=clock)
    reads.count("a")
    clock.now -= 86_400
    reads.count("a")


def test_no_number_of_readers_is_too_much_to_keep() -> None:
    reads = Reads(1, clock=Clock())
    for number in range(MOST_READERS + 10):
        reads.count(str(number))
    assert len(reads._counts) <= MOST_READERS
