"""Three bands with a gradient, as a baseline JPEG. https://www.w3.org/Graphics/JPEG/itu-t81.pdf

Only the DC coefficient of each 8 × 8 block is coded, so a block is one colour. A restart marker after every row of
blocks lets equal rows share their bytes.
"""

import struct

from sandbox.images.palette import RGB, colour

_QUANTUM = 8  # for every coefficient: a DC step of 8 is one level of brightness
_GREY: RGB = (192, 192, 192)


def jpeg_stripes(variant: int | None, width: int, height: int) -> bytes:
    """`variant` None is plain grey."""
    columns, rows = -(-width // 8), -(-height // 8)
    bands = [_row([_shade(variant, band, column / columns) for column in range(columns)]) for band in range(3)]
    scan = b"".join(
        bands[row * 3 // rows] + (bytes([0xFF, 0xD0 + row % 8]) if row < rows - 1 else b"") for row in range(rows)
    )
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, b"\0" + bytes([_QUANTUM]) * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components),
            # DC: 12 sizes of 4 bits each, so that a size is its own code. AC: one symbol, "end of block", code 0.
            _segment(0xC4, b"\x00" + bytes([0, 0, 0, 12, *[0] * 12]) + bytes(range(12))),
            _segment(0xC4, b"\x10" + bytes([1, *[0] * 15]) + b"\0"),
            _segment(0xDD, struct.pack(">H", columns)),
            _segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        )
    )


def _shade(variant: int | None, band: int, across: float) -> RGB:
    if variant is None:
        return _GREY
    left, right = colour(variant, band), colour(variant, band + 2)
    return (
        round(left[0] + (right[0] - left[0]) * across),
        round(left[1] + (right[1] - left[1]) * across),
        round(left[2] + (right[2] - left[2]) * across),
    )


def _row(blocks: list[RGB]) -> bytes:
    """One row of blocks: for each component the size of the DC difference, its bits, and "end of block"."""
    bits: list[str] = []
    previous = (0, 0, 0)
    for red, green, blue in blocks:
        y = 0.299 * red + 0.587 * green + 0.114 * blue
        levels = (round(y - 128), round(0.564 * (blue - y)), round(0.713 * (red - y)))
        for level, last in zip(levels, previous, strict=True):
            change = level - last
            size = abs(change).bit_length()
            value = change if change >= 0 else change + (1 << size) - 1
            bits.append(f"{size:04b}" + (f"{value:0{size}b}" if size else "") + "0")
        previous = levels
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
