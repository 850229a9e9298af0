"""Reads a body that may be a bomb: bounded on the wire, after decoding, and in the ratio of the two."""

import zlib
from collections.abc import AsyncIterable
from dataclasses import dataclass

from kit.errors import ImportProblem

RATIO_MATTERS_FROM = 256 * 1024  # decoded bytes; below this even a bomb is harmless


class BodyTooLargeError(ImportProblem):
    """More than we are willing to read. Asking again does not make it smaller, so the import ends."""

    status = 502
    error_code = "CONTENT_TOO_LARGE"
    action = "check_url"
    suggestion = "The link's content is larger than an import may be. Try a smaller one."


class UndecodableBodyError(Exception):
    """Corrupt, cut off, or in an encoding that nobody asked for."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    wire: int = 5 * 1024 * 1024
    decoded: int = 10 * 1024 * 1024
    ratio: int = 100


async def read_body(
    chunks: AsyncIterable[bytes], encoding: str, limits: BodyLimits, *, service: str, cut_at: int | None = None
) -> bytes:
    """The decoded body. `cut_at` reads no further than that many decoded bytes and returns them; without it, a body
    over the limits raises BodyTooLargeError."""
    inflate = _inflater(encoding)
    room = limits.decoded if cut_at is None else min(cut_at, limits.decoded)
    wire = decoded = 0
    parts: list[bytes] = []
    async for chunk in chunks:
        wire += len(chunk)
        # max_length bounds what one small chunk can blow up to
        part = inflate.decompress(chunk, room - decoded + 1) if inflate else chunk
        parts.append(part)
        decoded += len(part)
        if cut_at is not None and decoded >= cut_at:
            return b"".join(parts)[:cut_at]
        if wire > limits.wire or decoded > room or decoded > max(RATIO_MATTERS_FROM, wire * limits.ratio):
            raise BodyTooLargeError(f"{service} sent more than we can import.")
    if inflate and wire and not inflate.eof:
        raise UndecodableBodyError
    return b"".join(parts)


class _Inflater:
    """zlib with its error translated."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=47)  # gzip or zlib, told apart by the header

    def decompress(self, chunk: bytes, max_length: int) -> bytes:
        try:
            return self._zlib.decompress(chunk, max_length)
        except zlib.error as error:
            raise UndecodableBodyError from error

    @property
    def eof(self) -> bool:
        return self._zlib.eof


def _inflater(encoding: str) -> _Inflater | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return _Inflater()
    raise UndecodableBodyError
