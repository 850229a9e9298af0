"""Bodies of several gzip members, and what stands between and after them."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.http.body import MAX_MEMBERS, BodyLimits, BodyTooLargeError, UndecodableBodyError, read_body

LIMITS = BodyLimits(wire=1_000_000, decoded=1_000_000, ratio=100)
EMPTY = gzip.compress(b"")


async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def read(body: bytes, *, size: int = 65_536, encoding: str = "gzip", cut_at: int | None = None) -> bytes:
    return await read_body(chunks(body, size), encoding, LIMITS, service="Example", cut_at=cut_at)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.integers(1, 80))
async def test_members_are_one_body_however_they_arrive(parts: list[bytes], size: int) -> None:
    assert await read(b"".join(map(gzip.compress, parts)), size=size) == b"".join(parts)


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize(
    ("body", "decoded"),
    [
        (EMPTY, b""),
        (EMPTY + gzip.compress(b"a") + EMPTY, b"a"),
        (gzip.compress(b"a") + bytes(600), b"a"),
        (gzip.compress(b"a") + bytes(3) + gzip.compress(b"b"), b"ab"),
    ],
    ids=["empty", "empty around", "padded", "padded between"],
)
async def test_empty_members_and_padding_are_nothing(body: bytes, decoded: bytes, size: int) -> None:
    assert await read(body, size=size) == decoded


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize(
    "rest",
    [b"garbage", b"\x1f", gzip.compress(b"b")[:-1], gzip.compress(b"b")[:12], zlib.compress(b"b"), b"\0garbage"],
    ids=["garbage", "one byte", "cut off", "cut off early", "zlib", "padded garbage"],
)
async def test_half_of_a_body_is_not_taken_for_all_of_it(rest: bytes, size: int) -> None:
    with pytest.raises(UndecodableBodyError):
        await read(gzip.compress(b"a") + rest, size=size)


@pytest.mark.parametrize("size", [100, 65_536])
async def test_members_are_bounded_together_as_one_is(size: int) -> None:
    with pytest.raises(BodyTooLargeError):  # in what they decode to
        await read(gzip.compress(bytes(range(256)) * 1_000) * 5, size=size)
    with pytest.raises(BodyTooLargeError):  # in the ratio
        await read(gzip.compress(bytes(200_000)) * 3, size=size)
    with pytest.raises(BodyTooLargeError):  # on the wire
        await read_body(chunks(EMPTY * 60, size), "gzip", BodyLimits(wire=1_000), service="Example")


@pytest.mark.parametrize("size", [100, 65_536])
async def test_very_many_empty_members_are_refused(size: int) -> None:
    assert await read(EMPTY * MAX_MEMBERS, size=size) == b""
    with pytest.raises(UndecodableBodyError):
        await read(EMPTY * (MAX_MEMBERS + 1), size=size)


async def test_the_beginning_of_many_members_can_be_cut_off() -> None:
    body = gzip.compress(b"abc") * 5
    for cut_at in range(1, 15):
        assert await read(body, cut_at=cut_at) == (b"abc" * 5)[:cut_at]


async def test_deflate_is_one_stream() -> None:
    assert await read(zlib.compress(b"a"), encoding="deflate") == b"a"
    with pytest.raises(UndecodableBodyError):
        await read(zlib.compress(b"a") * 2, encoding="deflate")
