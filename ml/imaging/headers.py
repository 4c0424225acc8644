"""The size that a BMP or WebP header announces, read before any decoder allocates for it."""

from __future__ import annotations

import struct

from ml.errors import InconsistentHeaderError, TruncatedImageError


def announced_size(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) in pixels of a "bmp" or "webp".

    Raises:
        TruncatedImageError: the file ends within its header.
        InconsistentHeaderError: the header isn't one of this format.
    """
    try:
        return _READERS[name](data)
    except (struct.error, IndexError):
        raise TruncatedImageError(f"The {name.upper()} file ends within its header.") from None


def _bmp(data: bytes) -> tuple[int, int]:
    old = data[14] == 12  # BITMAPCOREHEADER
    width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
    return width, abs(height)  # a negative height: rows from the top


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise InconsistentHeaderError("The WebP file has no image header.")


_READERS = {"bmp": _bmp, "webp": _webp}
