"""What a commit says beside its offset, so that the partition's next owner can go on: the text in its metadata.

`1;open;TIME;DEATHS;FINISHED`: whether an owner is at work (it says `closed` when it lets go); the latest timestamp that
it was given, in ms; how often a record's owner died of it, perhaps; and which offsets above the committed one are
finished. Whatever else stands there is not ours, and says nothing.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

MAX_METADATA_CHARS = 4_000  # the broker's offset.metadata.max.bytes is 4,096
MAX_DEATHS_CHARS = 2_000  # of them; what is finished has the rest
MAX_SPAN = 1_000_000  # offsets that one bitmap may cover; a bound on what foreign metadata can make us allocate
MAX_DEATHS = 10_000  # counted of one record
MAX_SUSPECTS = 2_000  # told of
MAX_DEATHS_BYTES = 32 * 1024  # unpacked
FRAME_CHARS = 40  # all but the two packed parts

Deaths = Mapping[int, int]  # by offset


@dataclass(frozen=True)
class Progress:
    """`closed` is false when the last owner never let go: it died, or lost the group while it worked."""

    finished: set[int] = field(default_factory=set)
    deaths: Deaths = field(default_factory=dict)
    seen_until: int = 0
    closed: bool = True


def encode(base: int, progress: Progress) -> str:
    """At most `MAX_METADATA_CHARS`: if need be without what is finished, and without the records of fewest deaths."""
    deaths = _deaths_text(base, progress.deaths)
    finished = encode_finished(base, progress.finished, MAX_METADATA_CHARS - FRAME_CHARS - len(deaths))
    return f"1;{'closed' if progress.closed else 'open'};{progress.seen_until};{deaths};{finished}"


def decode(base: int, metadata: str) -> Progress:
    version, *parts = metadata.split(";")
    if version != "1" or len(parts) != 4:
        return Progress()
    state, seen_until, deaths, finished = parts
    return Progress(
        decode_finished(base, finished),
        _deaths(base, deaths),
        int(seen_until) if seen_until.isdigit() and len(seen_until) < 16 else 0,
        state != "open",
    )


def encode_finished(base: int, finished: Iterable[int], room: int) -> str:
    """Empty if it takes more than `room` characters, or there is nothing."""
    offsets = [offset - base for offset in finished]
    if not offsets or max(offsets) >= MAX_SPAN:
        return ""
    bitmap = bytearray(max(offsets) // 8 + 1)
    for at in offsets:
        bitmap[at // 8] |= 1 << at % 8
    text = _pack(bytes(bitmap))
    return text if len(text) <= room else ""


def decode_finished(base: int, text: str) -> set[int]:
    bitmap = _unpack(text, MAX_SPAN // 8)
    return {base + at * 8 + bit for at, byte in enumerate(bitmap) for bit in range(8) if byte >> bit & 1}


def _deaths_text(base: int, deaths: Deaths) -> str:
    kept = sorted(deaths.items(), key=lambda each: each[1], reverse=True)[:MAX_SUSPECTS]
    while len(text := _pack(b"".join(_numbers(base, sorted(kept)))) if kept else "") > MAX_DEATHS_CHARS:
        kept = kept[: len(kept) // 2]
    return text


def _numbers(base: int, deaths: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """Of each record the distance from the one before and its deaths, seven bits a byte, the lowest first."""
    for offset, count in deaths:
        for number in (offset - base, min(count, MAX_DEATHS)):
            left = number
            while left > 127:
                yield bytes((left & 127 | 128,))
                left >>= 7
            yield bytes((left,))
        base = offset


def _deaths(base: int, text: str) -> dict[int, int]:
    numbers, number, shift = [], 0, 0
    for byte in _unpack(text, MAX_DEATHS_BYTES):
        number |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            return {}
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    deaths, offset = {}, base
    for distance, count in zip(numbers[::2], numbers[1::2], strict=False):
        offset += distance
        deaths[offset] = min(count, MAX_DEATHS)
    return deaths


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _unpack(text: str, limit: int) -> bytes:
    """At most `limit` bytes; none if it is not ours."""
    try:
        return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), limit)
    except (ValueError, zlib.error):
        return b""
