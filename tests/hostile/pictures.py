"""Hostile PNG, JPEG, TIFF, BMP and WebP files, and files that are none of them."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from tests.hostile.table import Hostile, read, refused
from tests.ml.imaging.files import (
    animation,
    colour_scene,
    encoded,
    huge_png,
    picture,
    png_chunk,
    scene,
)

MIB = 2**20
WIDE = 30_000
Maker = Callable[[], bytes]

WHOLE: dict[str, Maker] = {
    "png": lambda: picture(colour_scene(seed=1), "PNG"),
    "jpeg": lambda: picture(colour_scene(seed=2), "JPEG"),
    "progressive": lambda: picture(colour_scene(seed=3), "JPEG", progressive=True),
    "tiff": lambda: picture(colour_scene(seed=4), "TIFF"),
    "lzw": lambda: picture(colour_scene(seed=5), "TIFF", compression="tiff_lzw"),
    "bmp": lambda: picture(colour_scene(seed=6), "BMP"),
    "webp": lambda: picture(colour_scene(seed=7), "WEBP"),
}
PLACES = {"in its header": 0.01, "after a third": 0.33, "after two thirds": 0.67, "near its end": 0.98}


@cache
def whole(name: str) -> bytes:
    return WHOLE[name]()


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def _cut(name: str, share: float) -> bytes:
    data = whole(name)
    return data[: max(24, int(len(data) * share))]


def _cuts() -> dict[str, Hostile]:
    return {
        f"{name} cut {place}": refused("truncated", lambda name=name, share=share: _cut(name, share))
        for name in WHOLE
        for place, share in PLACES.items()
    }


# --- wrong lengths --------------------------------------------------------------------------------


def _png_with(*chunks: tuple[bytes, bytes], seed: int = 11) -> bytes:
    """A whole PNG with chunks added behind its header."""
    data = picture(scene(seed=seed), "PNG")
    return data[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[33:]


def _taller_png() -> bytes:
    data = picture(scene(seed=12), "PNG")
    body = data[16:20] + (96).to_bytes(4, "big") + data[24:29]
    return data[:8] + png_chunk(b"IHDR", body) + data[33:]


def _taller_jpeg() -> bytes:
    data = picture(scene(seed=13), "JPEG")
    return patched(data, data.index(b"\xff\xc0") + 5, (480).to_bytes(2, "big"))


def _jpeg_segment_of_no_length() -> bytes:
    data = whole("jpeg")
    return data[:2] + b"\xff\xe1\x00\x00" + data[2:]


def _jpeg_of_many_scans() -> bytes:
    data = whole("progressive")
    first = data.index(b"\xff\xda")
    scan = data[first : data.index(b"\xff\xc4", first)]
    return data[:first] + scan * 5000 + data[first:]


def _tiff_pointing_nowhere() -> bytes:
    return patched(whole("tiff"), 4, struct.pack("<I", 0xFFFFFFF0))


def _tiff_circle() -> bytes:
    data = whole("tiff")
    start = struct.unpack_from("<I", data, 4)[0]
    tags = struct.unpack_from("<H", data, start)[0]
    return patched(data, start + 2 + 12 * tags, struct.pack("<I", start))


def _tiff_of(entries: list[tuple[int, int, int, int]], rest: bytes = b"") -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + rest


def _grey(side: int, compression: int) -> list[tuple[int, int, int, int]]:
    """Tags of a grey picture of 8 bits."""
    return [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1)]


def _tiff_tile_bomb() -> bytes:
    return _tiff_of([*_grey(64, 8), (322, 4, 1, 2**31), (323, 4, 1, 2**31), (324, 4, 1, 8), (325, 4, 1, 8)])


def _tiff_deflate_bomb(side: int) -> bytes:
    packed = zlib.compress(bytes(16 * MIB), 9)
    strip = 8 + 2 + 9 * 12 + 4
    return _tiff_of(
        [*_grey(side, 8), (273, 4, 1, strip), (277, 3, 1, 1), (278, 4, 1, side), (279, 4, 1, len(packed))],
        packed,
    )


def _bmp(width: int, height: int, compression: int = 0, body: bytes = b"") -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(body), 0, 0, 256, 0)
    palette = b"".join(bytes((n, n, n, 0)) for n in range(256))
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + palette + body


def _webp_with_a_canvas(side: int) -> bytes:
    size = (side - 1).to_bytes(3, "little")
    data = whole("webp")[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + size + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


# --- bombs ----------------------------------------------------------------------------------------


def _black_png(width: int, height: int) -> bytes:
    """A whole PNG of black rows: some KiB for many megapixels."""
    deflater = zlib.compressobj(9)
    row = bytes(width + 1)
    packed = b"".join(deflater.compress(row) for _ in range(height)) + deflater.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _jpeg_of(width: int, height: int, seed: int) -> bytes:
    data = picture(scene(seed=seed), "JPEG")
    return patched(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def _webp_of(width: int, height: int) -> bytes:
    body = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14)
    body = b"WEBP" + body + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _pages(count: int) -> bytes:
    return animation([scene(8, 8, seed) for seed in range(count)], "TIFF")


def _deep_black_tiff(side: int) -> bytes:
    """Colour of 16 bits, packed small: eight bytes a pixel on the way to one."""
    import cv2  # Pillow doesn't write it

    black = np.zeros((side, side, 3), np.uint16)
    black[0, 0] = 65535
    return bytes(cv2.imencode(".tiff", black, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1])


# --- polyglots and others -------------------------------------------------------------------------

SCRIPT = b"<html><script>alert(document.cookie)</script></html>"


def _jpeg_with_comment(comment: bytes) -> bytes:
    data = picture(scene(seed=31), "JPEG")
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def _zip_of_a_script() -> bytes:
    import zipfile

    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("index.html", SCRIPT)
    return stream.getvalue()


def _icon() -> bytes:
    return encoded(Image.fromarray(scene(seed=33)), "ICO")


def _line(name: str, width: int, height: int, seed: int, **options: object) -> bytes:
    return picture(scene(height, width, seed), name, **options)


PICTURES: dict[str, Hostile] = {
    **_cuts(),
    # wrong lengths
    "empty": refused("empty_file", lambda: b""),
    "one byte": refused("not_an_image", lambda: b"\x89"),
    "png of a signature": refused("inconsistent_header", lambda: whole("png")[:8]),
    "png chunk longer than the file": refused(
        "truncated", lambda: patched(whole("png"), 33, b"\x7f\xff\xff\xff")
    ),
    "png chunk of 4 GiB": refused("truncated", lambda: patched(whole("png"), 33, b"\xff\xff\xff\xff")),
    "png taller than its data": refused("truncated", _taller_png),
    "png of no pixels": refused("zero_size", lambda: huge_png(0, 10)),
    "png with a broken checksum": refused("truncated", lambda: patched(whole("png"), 29, b"\0\0\0\0")),
    "jpeg taller than its data": refused("truncated", _taller_jpeg),
    "jpeg of no rows": refused("zero_size", lambda: _jpeg_of(64, 0, 14)),
    "jpeg segment of no length": refused("inconsistent_header", _jpeg_segment_of_no_length),
    "jpeg of 5000 scans": refused("inconsistent_header", _jpeg_of_many_scans),
    "jpeg without a frame": refused("inconsistent_header", lambda: b"\xff\xd8\xff\xda\x00\x02" + bytes(99)),
    "tiff directory outside of the file": refused("truncated", _tiff_pointing_nowhere),
    "tiff directories in a circle": refused("inconsistent_header", _tiff_circle),
    "tiff tags that overlap": refused(
        "truncated", lambda: _tiff_of([(tag, 7, 60_000, 0) for tag in range(900)], bytes(60_000))
    ),
    "tiff of more tags than there are": refused(
        "inconsistent_header", lambda: _tiff_of([(tag, 3, 1, 0) for tag in range(2000)])
    ),
    "tiff without a size": refused("zero_size", lambda: _tiff_of([(262, 3, 1, 1)])),
    "bmp of negative width": refused("zero_size", lambda: _bmp(-64, 48, 0, bytes(64 * 48))),
    "bmp taller than its data": refused("truncated", lambda: _bmp(64, 480, 0, bytes(64 * 48))),
    "bmp with runs beyond its rows": refused("truncated", lambda: _bmp(64, 48, 1, b"\xff\x07" * 4 + b"\0\1")),
    "webp with a canvas unlike its picture": refused("truncated", lambda: _webp_with_a_canvas(500)),
    "webp of no chunk": refused("inconsistent_header", lambda: b"RIFF\x0c\0\0\0WEBPJUNK" + bytes(40)),
    # bombs
    "png of 3.6 gigapixels": refused("too_many_pixels", lambda: huge_png(60_000, 60_000)),
    "png of 49 megapixels in 46 KiB": read(7_000, 7_000, lambda: _black_png(7_000, 7_000), heavy=True),
    "png just above the limit": refused("too_many_pixels", lambda: _black_png(7_072, 7_071)),
    "png with a text that inflates to 256 MiB": read(
        64, 48, lambda: _png_with((b"zTXt", b"Comment\0\0" + _packed_zeros()))
    ),
    "png with a profile that inflates to 256 MiB": read(
        64, 48, lambda: _png_with((b"iCCP", b"p\0\0" + _packed_zeros()), seed=15)
    ),
    "png of 200,000 chunks": refused(
        "inconsistent_header", lambda: _png_with(*[(b"tEXt", b"a\0b")] * 200_000)
    ),
    "jpeg of 4.2 gigapixels": refused("too_many_pixels", lambda: _jpeg_of(65_500, 65_500, 16)),
    "tiff of 2.5 gigapixels": refused("too_many_pixels", lambda: _tiff_deflate_bomb(50_000)),
    "tiff packed a thousandfold": read(4_096, 4_096, lambda: _tiff_deflate_bomb(4_096)),
    "tiff tiles of 2^62 pixels": refused("too_many_pixels", _tiff_tile_bomb),
    "tiff of 16 megapixels of 16-bit colour": read(4_000, 4_000, lambda: _deep_black_tiff(4_000), heavy=True),
    "tiff of 49 megapixels of 16-bit colour": refused(
        "decoder_memory", lambda: _deep_black_tiff(7_000), heavy=True
    ),
    "tiff of 501 pages": refused("too_many_frames", lambda: _pages(501)),
    "bmp of 4.6e18 pixels": refused("too_many_pixels", lambda: _bmp(2**31 - 1, 2**31 - 1)),
    "webp of 268 megapixels": refused("too_many_pixels", lambda: _webp_of(16_384, 16_384)),
    "webp with a canvas of 2^48 pixels": refused("too_many_pixels", lambda: _webp_with_a_canvas(2**24)),
    "more than 64 MiB": refused("file_too_large", lambda: whole("png") + bytes(65 * MIB)),
    # polyglots
    "png with a zip behind it": read(64, 48, lambda: picture(scene(seed=21), "PNG") + _zip_of_a_script()),
    "jpeg with a page in its comment": read(64, 48, lambda: _jpeg_with_comment(SCRIPT)),
    "jpeg with a zip behind it": read(64, 48, lambda: picture(scene(seed=22), "JPEG") + _zip_of_a_script()),
    "page that calls itself a png": refused("not_an_image", lambda: SCRIPT + whole("png")),
    "svg with a script": refused(
        "not_an_image", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
    ),
    "pdf": refused("not_an_image", lambda: b"%PDF-1.7\n" + bytes(500)),
    "program": refused("not_an_image", lambda: b"\x7fELF" + bytes(500)),
    "gif": refused("not_an_image", lambda: picture(scene(), "GIF")),
    "icon": refused("not_an_image", _icon),
    "gzip of a png": refused("not_an_image", lambda: gzip.compress(whole("png"))),
    "pickle": refused("not_an_image", lambda: b"cos\nsystem\n(S'id'\ntR."),
    # strange sizes
    "1 x 1 png": read(1, 1, lambda: _line("PNG", 1, 1, 1)),
    "1 x 1 jpeg": read(1, 1, lambda: _line("JPEG", 1, 1, 1)),
    "1 x 1 tiff": read(1, 1, lambda: _line("TIFF", 1, 1, 1)),
    "1 x 1 bmp": read(1, 1, lambda: _line("BMP", 1, 1, 1)),
    "1 x 1 webp": read(1, 1, lambda: _line("WEBP", 1, 1, 1)),
    "30000 x 1 png": read(WIDE, 1, lambda: _line("PNG", WIDE, 1, 2)),
    "1 x 30000 png": read(1, WIDE, lambda: _line("PNG", 1, WIDE, 3)),
    "30000 x 1 jpeg": read(WIDE, 1, lambda: _line("JPEG", WIDE, 1, 4)),
    "30000 x 1 tiff": read(WIDE, 1, lambda: _line("TIFF", WIDE, 1, 5)),
}


def _packed_zeros(inflated: int = 256 * MIB) -> bytes:
    deflater, block = zlib.compressobj(1), bytes(16 * MIB)
    return b"".join(deflater.compress(block) for _ in range(inflated // len(block))) + deflater.flush()
