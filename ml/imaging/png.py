"""PNG chunks (W3C PNG, section 5): what draws is kept, what only annotates never reaches a decoder."""

from __future__ import annotations

from dataclasses import dataclass

from ml.errors import InconsistentHeaderError, TruncatedImageError
from ml.imaging.tags import exif_orientation

MAX_CHUNKS = 100_000
"""64 MiB in chunks of 8 KiB, the size that libpng writes, are 8192."""
_SIGNATURE = 8
_DRAWS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_DEEP_COLOURS = frozenset({2, 4, 6})  # RGB, grey and alpha, RGBA


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
    if data[12:16] != b"IHDR" or data[8:12] != b"\x00\x00\x00\x0d":
        raise InconsistentHeaderError("The PNG file doesn't begin with its header.")
    kept, exif, position = [data[:_SIGNATURE]], b"", _SIGNATURE
    for _ in range(MAX_CHUNKS):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if end > len(data):
            raise TruncatedImageError("The PNG file ends before its last chunk.")
        name = data[position + 4 : position + 8]
        if name in _DRAWS:
            kept.append(data[position:end])
        elif name == b"eXIf":
            exif = data[position + 8 : end - 4]
        if name == b"IEND":
            return _header(b"".join(kept), exif)
        position = end
    raise InconsistentHeaderError(f"The PNG file has more than {MAX_CHUNKS} chunks.")


def _header(plain: bytes, exif: bytes) -> PngHeader:
    return PngHeader(
        width=int.from_bytes(plain[16:20], "big"),
        height=int.from_bytes(plain[20:24], "big"),
        deep_colour=plain[24] == 16 and plain[25] in _DEEP_COLOURS,
        orientation=exif_orientation(exif),
        plain=plain,
    )
