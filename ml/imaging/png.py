"""PNG chunks (W3C PNG, section 5): what draws is kept, what only annotates never reaches a decoder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ml.errors import InconsistentHeaderError, TruncatedImageError
from ml.imaging.tags import exif_orientation

MAX_CHUNKS = 100_000
"""64 MiB in chunks of 8 KiB, the size that libpng writes, are 8192."""
_SIGNATURE = 8
_DRAWS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel of each colour type."""
_DEEP_COLOURS = frozenset({2, 4, 6})  # RGB, grey and alpha, RGBA
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, column and row step of each pass of an interlaced image (section 8.2)."""
_STEP = 2**20


@dataclass(frozen=True, slots=True)
class PngHeader:
    """Size in pixels, whether colours have 16 bits, EXIF orientation 1..8, the file without metadata.

    Of an animated PNG `plain` is the default image.
    """

    width: int
    height: int
    deep_colour: bool
    orientation: int
    plain: bytes


def header(data: bytes) -> PngHeader:
    """Walk the chunks of a PNG.

    Raises:
        TruncatedImageError: the file ends within a chunk or before the last one.
        InconsistentHeaderError: it doesn't begin with its header, or has chunks without end.
    """
    if data[8:16] != b"\x00\x00\x00\x0dIHDR":
        raise InconsistentHeaderError("The PNG file doesn't begin with its header.")
    kept, exif = [data[:_SIGNATURE]], b""
    for name, start, end in _chunks(data):
        if name in _DRAWS:
            kept.append(data[start - 8 : end + 4])
        elif name == b"eXIf":
            exif = data[start:end]
    plain = b"".join(kept)
    width, height, depth, colour = struct.unpack_from(">IIBB", plain, 16)
    return PngHeader(width, height, depth == 16 and colour in _DEEP_COLOURS, exif_orientation(exif), plain)


def is_whole(plain: bytes) -> bool:
    """Whether the compressed data of a decodable PNG hold all of its rows; missing ones read as black."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", plain, 16)
    bits = depth * _CHANNELS[colour]
    needed = 0
    for x, y, across, down in _ADAM7 if interlaced else _WHOLE:
        columns, rows = -((x - width) // across), -((y - height) // down)
        needed += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    return _holds(plain, needed)


def _holds(plain: bytes, needed: int) -> bool:
    inflater = zlib.decompressobj()
    for name, start, end in _chunks(plain):
        rest = plain[start:end] if name == b"IDAT" else b""
        while rest and needed > 0:
            needed -= len(inflater.decompress(rest, _STEP))
            rest = inflater.unconsumed_tail
    return needed <= 0


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each chunk's body, up to the last one of the image."""
    position = _SIGNATURE
    for _ in range(MAX_CHUNKS):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            raise TruncatedImageError("The PNG file ends before its last chunk.")
        name = data[position + 4 : position + 8]
        yield name, position + 8, end
        if name == b"IEND":
            return
        position = end + 4
    raise InconsistentHeaderError(f"The PNG file has more than {MAX_CHUNKS} chunks.")
