"""Reads a body that may be a bomb: bounded on the wire, after decoding, and in the ratio of the two."""

import zlib
from collections.abc import AsyncIterable
from dataclasses import dataclass

from kit.errors import ImportProblem

EITHER, GZIP = 47, 31  # zlib's `wbits`: gzip or zlib, told apart by the header; only gzip
MAX_MEMBERS = 1_000  # of 64 KiB each, as usual, more than we read; of none each, a way to keep us busy
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
    """A zlib stream, or gzip members one after another, which are one body (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(EITHER)
        self._members = 1

    def decompress(self, chunk: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes, which is more than 0; where there are so many, the rest of the chunk is lost."""
        parts = []
        while chunk := self._next(chunk):
            try:
                part = self._zlib.decompress(chunk, max_length)
            except zlib.error as error:
                raise UndecodableBodyError from error
            parts.append(part)
            max_length -= len(part)
            if not self._zlib.eof or not max_length:
                break
            chunk = self._zlib.unused_data
        return b"".join(parts)

    def _next(self, chunk: bytes) -> bytes:
        """What is to be decoded, by the next member where the one before has ended."""
        if not self._zlib.eof:
            return chunk
        chunk = chunk.lstrip(b"\0")  # a file's padding
        if chunk:
            self._members += 1
            if self._members > MAX_MEMBERS:
                raise UndecodableBodyError
            self._zlib = zlib.decompressobj(GZIP)
        return chunk

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
