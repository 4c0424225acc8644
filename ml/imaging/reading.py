"""Bytes of any supported format -> facts (`inspect`) or one frame (`decode`)."""

from __future__ import annotations

from ml.errors import NotAnImageError
from ml.imaging import dicom, pictures
from ml.imaging.limits import ImagingLimits
from ml.imaging.shades import Picture, to_scan
from ml.imaging.sniff import sniff
from ml.types import Scan, ScanInfo

DEFAULT_LIMITS = ImagingLimits()


def inspect(data: bytes, limits: ImagingLimits = DEFAULT_LIMITS) -> ScanInfo:
    """What the header says; returning at all proves that frame 0 decodes.

    Raises:
        ImageError: one of its kinds, saying what is wrong with the file and what to do.
    """
    info, _ = _read(data, 0, limits)
    return info


def decode(data: bytes, frame: int = 0, limits: ImagingLimits = DEFAULT_LIMITS) -> Scan:
    """Decode one frame of a DICOM loop, TIFF page or animated WebP (0-based), or the only one.

    `Scan.pixels` is uint8 (H, W), upright (EXIF orientation applied), transparent parts black,
    MONOCHROME1 inverted, more than 8 bits brought to 0..255 by the VOI of the file or else by the
    range of the values.

    Raises:
        FrameIndexError: there is no such frame.
        ImageError: another of its kinds, saying what is wrong with the file and what to do.

    >>> from pathlib import Path
    >>> scan = decode(Path("loop.dcm").read_bytes(), frame=3)  # doctest: +SKIP
    """
    info, picture = _read(data, frame, limits)
    return to_scan(info, frame, picture)


def _read(data: bytes, frame: int, limits: ImagingLimits) -> tuple[ScanInfo, Picture]:
    limits.check_bytes(data)
    match sniff(data):
        case "dicom":
            return dicom.read(data, frame, limits)
        case "png" | "jpeg" | "tiff" | "bmp" | "webp" as name:
            return pictures.read(data, name, frame, limits)
        case "zip":
            raise NotAnImageError("This is a zip archive, not an image.", "Unpack it, or upload it as a zip.")
        case _:
            raise NotAnImageError("The file is not an image in a format that can be read.")
