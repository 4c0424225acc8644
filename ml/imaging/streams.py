"""Compressed frames in DICOM: the stream has a header of its own, by which its decoder allocates."""

from __future__ import annotations

import struct

from pydicom import uid

from ml.errors import InconsistentHeaderError, UnsupportedImageError
from ml.imaging import jpeg
from ml.imaging.dicom_header import PixelHeader

_JPEG_2000 = frozenset(uid.JPEG2000TransferSyntaxes) | {uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
LOSSY_JPEG = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit})
MAX_TILES = 16_384
"""Of a JPEG 2000 stream: OpenJPEG keeps some KiB for each before it decodes the first."""


def check(encoded: bytes, syntax: uid.UID, pixels: PixelHeader) -> None:
    """Compare the header of a JPEG, JPEG-LS or JPEG 2000 stream with that of the file.

    Raises:
        InconsistentHeaderError: they differ in size or samples, or the stream has none.
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
    x, y, x0, y0, tile_x, tile_y, _, _, components = struct.unpack_from(">8IH", encoded, start + 8)
    if not tile_x or not tile_y or -(-x // tile_x) * -(-y // tile_y) > MAX_TILES:
        raise InconsistentHeaderError(f"The JPEG 2000 data have no tiles, or more than {MAX_TILES}.")
    return x - x0, y - y0, components
