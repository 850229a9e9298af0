import struct
import zlib

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.images.jpeg import jpeg_stripes
from sandbox.images.png import png_card


def test_png_has_all_its_pixels_and_right_sums() -> None:
    data = png_card(3, 1200, 600)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, pixels = 8, b""
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length) == (zlib.crc32(kind + body),)
        pixels += body if kind == b"IDAT" else b""
        position += 12 + length
    assert len(zlib.decompress(pixels)) == 600 * 1201


@pytest.mark.parametrize(("variant", "width", "height"), [(1, 1280, 720), (63, 120, 90), (None, 120, 90)])
def test_jpeg_codes_every_block(variant: int | None, width: int, height: int) -> None:
    """Reads the scan back by the two code tables and counts blocks up to the last bit."""
    data = jpeg_stripes(variant, width, height)
    assert struct.pack(">HH", height, width) in data[: data.index(b"\xff\xda")]
    scan = data[data.index(b"\xff\xda") + 14 : -2].replace(b"\xff\0", b"\xfe")  # same length of bits
    rows = [scan]
    for marker in range(8):
        rows = [part for row in rows for part in row.split(bytes([0xFF, 0xD0 + marker]))]
    assert len(rows) == -(-height // 8)
    for row in rows[:1] + rows[-1:]:
        bits, blocks = "".join(f"{byte:08b}" for byte in row), 0
        while len(bits) >= 8 or "0" in bits:
            size = int(bits[:4], 2)
            bits = bits[4 + size + 1 :]
            blocks += 1
        assert blocks == 3 * -(-width // 8)


async def test_pictures_answer_head_and_get_alike(sandbox: SandboxClient, http: aiohttp.ClientSession) -> None:
    for path, kind in (("/opengraph/1/load/9", "image/png"), ("/vi/sbxTidePool/maxresdefault.jpg", "image/jpeg")):
        async with http.get(sandbox.url + path) as got, http.head(sandbox.url + path) as head:
            assert (got.status, got.content_type) == (head.status, head.content_type) == (200, kind)
            assert len(await got.read()) == head.content_length
            assert await head.read() == b""


async def test_pictures_that_do_not_exist_are_404(sandbox: SandboxClient, http: aiohttp.ClientSession) -> None:
    for path in (
        "/opengraph/1/kestrel-example/vault",
        "/opengraph/1/nobody/nothing",
        "/vi/sbxDefThumb/maxresdefault.jpg",
        "/vi/sbxDeleted0/default.jpg",
    ):
        async with http.head(sandbox.url + path) as response:
            assert response.status == 404, path
