"""Compressed frames in DICOM: the stream has a header of its own, by which its decoder allocates."""

from __future__ import annotations

import struct

from pydicom import uid

from ml.errors import InconsistentHeaderError, TruncatedImageError, UnsupportedImageError
from ml.imaging import jpeg
from ml.imaging.dicom_header import PixelHeader

_JPEG_2000 = frozenset(uid.JPEG2000TransferSyntaxes) | {uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
LOSSY_JPEG = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit})
_SOT = b"\xff\x90"
MAX_TILES = 16_384
"""Of a JPEG 2000 stream: OpenJPEG keeps some KiB for each before it decodes the first."""


def check(encoded: bytes, syntax: uid.UID, pixels: PixelHeader) -> None:
    """Compare the header of a JPEG, JPEG-LS or JPEG 2000 stream with that of the file.

    Raises:
        InconsistentHeaderError: they differ in size or samples, or the stream has none.
        TruncatedImageError: tiles of a JPEG 2000 stream are missing.
        UnsupportedImageError: JPEG of more than 8 bits, which libjpeg doesn't decode.
    """
    if syntax in _JPEG_2000:
        width, height, components = _jpeg_2000_size(encoded)
    else:
        stream = jpeg.header(encoded)
        width, height, components = stream.width, stream.height, stream.components
        if syntax in LOSSY_JPEG and stream.precision != 8:
            raise UnsupportedImageError(f"JPEG with {stream.precision} bits a sample isn't read.")
    if (width, height, components) != (pixels.columns, pixels.rows, pixels.samples):
        raise InconsistentHeaderError(
            f"The DICOM header says {pixels.columns} x {pixels.rows} pixels of {pixels.samples} samples; "
            f"its compressed data, {width} x {height} of {components}."
        )


def _jpeg_2000_size(encoded: bytes) -> tuple[int, int, int]:
    """Width, height and components of the SIZ segment (ITU-T T.800, A.5.1)."""
    start = encoded.find(b"\xff\x4f\xff\x51")  # at 0, or behind the boxes of a JP2 file
    if start < 0:
        raise InconsistentHeaderError("The JPEG 2000 data have no header.")
    x, y, x0, y0, tile_x, tile_y, left, top, components = struct.unpack_from(">8IH", encoded, start + 8)
    tiles = -((left - x) // tile_x) * -((top - y) // tile_y) if tile_x and tile_y else 0
    if not 0 < tiles <= MAX_TILES:
        raise InconsistentHeaderError(f"The JPEG 2000 data have no tiles, or more than {MAX_TILES}.")
    # OpenJPEG leaves missing tiles black and tells nobody
    if not _tiles(encoded, start).issuperset(range(tiles)):
        raise TruncatedImageError("The JPEG 2000 data lack some of their tiles.")
    return x - x0, y - y0, components


def _tiles(encoded: bytes, start: int) -> set[int]:
    """The tiles that have a part in the stream (SOT segments, T.800 A.4.2)."""
    position = start + 2
    while encoded[position : position + 2] != _SOT:  # a segment of the main header, which has a length
        position += 2 + max(1, int(struct.unpack_from(">H", encoded, position + 2)[0]))
    found = set()
    while encoded[position : position + 2] == _SOT:
        tile, length = struct.unpack_from(">HI", encoded, position + 4)
        found.add(tile)
        position += length or len(encoded)  # 0: up to the end of the stream
    return found
