"""A card with a symmetric pattern, as an indexed PNG. https://www.w3.org/TR/png-3/"""

import random
import struct
import zlib

from sandbox.images.palette import colour


def png_card(variant: int, width: int, height: int) -> bytes:
    """A pattern of 5 × 5 squares, mirrored, in the middle of a plain ground; a kilobyte or two."""
    palette = b"".join(bytes(colour(variant, step)) for step in range(4))
    pixels = b"".join(_rows(random.Random(variant), width, height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),  # 8 bits, palette
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(pixels, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _rows(draw: random.Random, width: int, height: int) -> list[bytes]:
    square = height // 7
    left = (width - 5 * square) // 2
    blank = b"\0" + bytes(width)  # a filter byte, then one palette index per pixel
    rows = [blank] * square
    for _ in range(5):
        half = [draw.randrange(4) for _ in range(3)]
        line = b"".join(bytes([index]) * square for index in (*half, half[1], half[0]))
        rows += [b"\0" + bytes(left) + line + bytes(width - left - len(line))] * square
    return rows + [blank] * (height - len(rows))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
