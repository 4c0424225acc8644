"""TIFF directories, the structure behind TIFF files and EXIF, walked without reading the values.

Pillow copies every value that a directory announces. Since entries may overlap, 64 KiB of entries
can ask for gigabytes; so the announced sizes are summed up here first (TIFF 6.0, section 2).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ml.errors import InconsistentHeaderError, TruncatedImageError

WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
WHITE_IS_ZERO, RGB = 0, 2
TILE_WIDTH, TILE_HEIGHT = 322, 323

_UNIT = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), start=1)) | dict.fromkeys((16, 17, 18), 8)
"""Bytes of one value of each field type: 1 to 13 of TIFF 6.0, 16 to 18 of BigTIFF."""
MAX_TAGS = 1000
"""Of a directory; some 500 tags are registered."""
_INTEGER = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class Directory:
    """The first integer of each tag that has one, and where the next directory begins (0: none)."""

    first: dict[int, int]
    next: int


def directories(data: bytes, most: int) -> list[Directory]:
    """The chain of directories of a TIFF or EXIF body, at most `most` + 1 of them.

    Raises:
        TruncatedImageError: a directory or a value lies outside of the data.
        InconsistentHeaderError: a chain that bites its tail, or values that overlap without end.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    try:
        offset = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
        found: list[Directory] = []
        seen: set[int] = set()
        while offset and len(found) <= most:
            if offset in seen:
                raise InconsistentHeaderError("The TIFF directories of this file form a circle.")
            seen.add(offset)
            found.append(_directory(data, offset, order, big))
            offset = found[-1].next
        return found
    except struct.error:
        raise TruncatedImageError("A TIFF directory lies outside of the file.") from None


def _directory(data: bytes, offset: int, order: str, big: bool) -> Directory:
    count_code, entry, inline = ("Q", f"{order}HHQ8s", 8) if big else ("H", f"{order}HHI4s", 4)
    count = struct.unpack_from(order + count_code, data, offset)[0]
    start = offset + struct.calcsize(order + count_code)
    end = start + count * struct.calcsize(entry)
    if count > MAX_TAGS:
        raise InconsistentHeaderError("A TIFF directory has more tags than there are.")
    if end > len(data):
        raise TruncatedImageError("A TIFF directory lies outside of the file.")
    first: dict[int, int] = {}
    announced = 0
    for tag, kind, values, field in struct.iter_unpack(entry, data[start:end]):
        size = values * _UNIT.get(kind, 1)
        announced += size if size > inline else 0
        if values and kind in _INTEGER:
            at, place = (field, 0) if size <= inline else (data, _pointer(field, order))
            first[tag] = struct.unpack_from(order + _INTEGER[kind], at, place)[0]
    if announced > len(data):
        raise TruncatedImageError("The TIFF tags of this file announce more than it holds.")
    return Directory(first, _pointer(data[end : end + inline], order))


def _pointer(field: bytes, order: str) -> int:
    value: int = struct.unpack(order + ("Q" if len(field) == 8 else "I"), field)[0]
    return value


def exif_orientation(exif: bytes) -> int:
    """Orientation 1..8 of an EXIF block (EXIF 2.3, 4.6.4 A); 1, upright, where there is none.

    A damaged block is no reason to refuse an image, so it reads as upright.
    """
    try:
        found = directories(exif.removeprefix(b"Exif\x00\x00"), most=0)
    except (TruncatedImageError, InconsistentHeaderError):
        return 1
    turn = found[0].first.get(ORIENTATION, 1) if found else 1
    return turn if 1 <= turn <= 8 else 1
