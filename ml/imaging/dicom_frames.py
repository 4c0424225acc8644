"""Pixel Data -> the samples of one frame, whatever the transfer syntax (PS3.5 annex A)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder

from ml.errors import InconsistentHeaderError, TruncatedImageError, UnsupportedImageError
from ml.imaging import jpeg, rle, streams
from ml.imaging.dicom_file import DicomFile
from ml.imaging.dicom_header import PixelHeader

_NATIVE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    }
)
_PLUGIN = {
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "pillow",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "gdcm",
    uid.JPEGLSNearLossless: "gdcm",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
"""pydicom's plugin for each compressed syntax: named, so that a file never decodes one way here and
another way there, for want of a library. Not pyjpegls, which can search a damaged stream for many
seconds for the end of one run of zeros."""
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
Samples = NDArray[np.integer[Any]]
"""(H, W), or (H, W, 3) in RGB."""


def samples(file: DicomFile, pixels: PixelHeader, frame: int) -> Samples:
    """Decode one frame; YBR comes back as RGB, palette indices and grey values as stored.

    Raises:
        UnsupportedImageError: the transfer syntax, or its kind of JPEG, isn't read.
        InconsistentHeaderError: header and pixel data contradict each other.
        TruncatedImageError: the pixel data end early.
    """
    native, known = file.syntax in _NATIVE, file.syntax in _PLUGIN or file.syntax == uid.RLELossless
    if not native and not known:
        name = file.syntax.name if file.syntax.is_transfer_syntax else "of this file"
        raise UnsupportedImageError(f"The DICOM transfer syntax {name} isn't read.")
    if native == file.encapsulated:
        raise InconsistentHeaderError("The pixel data are not stored as the transfer syntax says.")
    if native:
        return _native(file, pixels, frame)
    encoded = _encoded_frame(file, pixels, frame)
    if file.syntax == uid.RLELossless:
        return _run_length(encoded, pixels)
    streams.check(encoded, file.syntax, pixels)
    decoded = _decoded(encapsulate([encoded]), file.syntax, pixels, _PLUGIN[file.syntax])
    if file.syntax in streams.LOSSY_JPEG and not jpeg.is_whole(encoded):
        raise TruncatedImageError("The JPEG data of this frame announce more pixels than they hold.")
    return decoded


def _decoded(source: bytes, syntax: uid.UID, pixels: PixelHeader, plugin: str = "") -> Samples:
    options: dict[str, Any] = pixels.options()
    array, _ = get_decoder(syntax).as_array(source, index=0, decoding_plugin=plugin, **options)
    return array


def _native(file: DicomFile, pixels: PixelHeader, frame: int) -> Samples:
    held, needed = len(file.pixel_data) * 8, pixels.frame_bits * pixels.frames
    full = replace(pixels, photometric="YBR_FULL")
    if pixels.photometric == "YBR_FULL_422" and held >= full.frame_bits * pixels.frames:
        pixels, needed = full, full.frame_bits * pixels.frames  # a common slip: stored without sharing
    if held < needed or held >= needed + max(pixels.frame_bits, 16):
        raise InconsistentHeaderError(
            f"The DICOM header announces {-(-needed // 8)} bytes of pixel data; there are {held // 8}."
        )
    start = frame * pixels.frame_bits
    if pixels.allocated == 1:
        return _bits(file.pixel_data, start, pixels)
    swapped = pixels.allocated == 8 and file.vr == "OW" and not file.syntax.is_little_endian
    data = _pairs_swapped(file.pixel_data) if swapped else file.pixel_data
    return _decoded(data[start // 8 : (start + pixels.frame_bits) // 8], file.syntax, pixels)


def _pairs_swapped(data: bytes) -> bytes:
    """Bytes that were written as big-endian 16-bit words, in their own order again."""
    return np.frombuffer(data[: len(data) & ~1], ">u2").astype("<u2").tobytes()


def _bits(data: bytes, start: int, pixels: PixelHeader) -> Samples:
    """Frames of one bit a pixel follow each other without padding (PS3.5 8.1.1)."""
    held = np.frombuffer(data[start // 8 : -(-(start + pixels.frame_bits) // 8)], np.uint8)
    flat = np.unpackbits(held, bitorder="little")[start % 8 :][: pixels.frame_bits]
    return flat.reshape(pixels.rows, pixels.columns)


def _encoded_frame(file: DicomFile, pixels: PixelHeader, frame: int) -> bytes:
    fragments = _count_fragments(file.pixel_data)
    if fragments < pixels.frames:
        raise InconsistentHeaderError(
            f"The DICOM header announces {pixels.frames} frames; the pixel data hold {fragments}."
        )
    header = file.header
    extended = (
        (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
        if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header
        else None
    )
    return get_frame(file.pixel_data, frame, number_of_frames=pixels.frames, extended_offsets=extended)


def _count_fragments(data: bytes) -> int:
    """Items of encapsulated pixel data behind the offset table (PS3.5 A.4), each one whole."""
    position, items = 0, 0
    while data[position : position + 4] == _ITEM:
        position += 8 + int.from_bytes(data[position + 4 : position + 8], "little")
        items += 1
    if position > len(data) or data[position : position + 4] != _END:
        raise TruncatedImageError("The DICOM file ends within its compressed pixel data.")
    return items - 1


def _run_length(encoded: bytes, pixels: PixelHeader) -> Samples:
    plain = rle.unpack(encoded, pixels.rows * pixels.columns, pixels.samples, pixels.allocated // 8)
    # RLE never shares chroma samples, whatever the header calls them
    photometric = pixels.photometric.removesuffix("_422")
    return _decoded(plain, uid.ExplicitVRLittleEndian, replace(pixels, planar=1, photometric=photometric))
