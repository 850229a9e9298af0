import base64
import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from kit.kafka.progress import MAX_METADATA_CHARS, Progress, decode, encode, encode_finished

BROKERS_LIMIT = 4_096  # offset.metadata.max.bytes
above = st.integers(1, 5_000)


@given(st.integers(0, 2**60), st.sets(above), st.dictionaries(above, st.integers(1, 99), max_size=100), st.booleans())
def test_progress_is_read_as_it_was_written(base: int, done: set[int], died: dict[int, int], closed: bool) -> None:
    told = Progress({base + at for at in done}, {base + at: n for at, n in died.items()}, 1_700_000_000_000, closed)
    metadata = encode(base, told)
    assert len(metadata) <= MAX_METADATA_CHARS < BROKERS_LIMIT
    assert decode(base, metadata) == told


def test_too_much_of_what_is_finished_is_left_out_and_nothing_else() -> None:
    scattered = set(random.Random(1).sample(range(1, 60_000), 20_000))
    for finished in (scattered, {10_000_000}):
        metadata = encode(0, Progress(finished, {7: 2}, 5, closed=False))
        assert decode(0, metadata) == Progress(set(), {7: 2}, 5, closed=False)


def test_of_too_many_deaths_those_that_nearly_convict_are_kept() -> None:
    chance = random.Random(1)
    many = {offset: chance.randint(1, 4) for offset in chance.sample(range(1_000_000), 4_000)}
    metadata = encode(0, Progress(set(), many, 0, closed=False))
    assert len(metadata) <= MAX_METADATA_CHARS
    kept = decode(0, metadata).deaths
    assert kept
    assert kept.items() <= many.items()
    assert set(kept.values()) == {4}


def test_foreign_metadata_means_no_progress() -> None:
    bomb = base64.b64encode(zlib.compress(b"\xff" * 50_000_000, 9)).decode()
    for foreign in ("someone else's", "", "1;2;3", "1;;;;", "2;open;0;;", encode_finished(0, {1}, 100)):
        assert decode(0, foreign) == Progress()
    hostile = decode(0, f"1;open;{'9' * 4_000};{bomb};{bomb}")
    assert len(hostile.finished) <= 1_000_000
    assert (hostile.deaths, hostile.seen_until) == ({}, 0)
