"""Files that aren't read: each with the error that names its fault, quickly and in little memory."""

from __future__ import annotations

import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from pydicom import uid

from ml.errors import (
    EmptyFileError,
    FileTooLargeError,
    FrameIndexError,
    InconsistentHeaderError,
    NotAnImageError,
    TooManyFramesError,
    TooManyPixelsError,
    TruncatedImageError,
    UnsupportedImageError,
    ZeroSizeError,
)
from ml.imaging import ImagingLimits, decode, inspect
from tests.ml.imaging.files import (
    PATIENT,
    SYNTAXES,
    deflated_bomb,
    dicom,
    huge_png,
    picture,
    png_chunk,
    scene,
    ultrasound_loop,
)

MIB = 2**20


def _patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def _taller_jpeg(**options) -> bytes:
    data = picture(scene(), "JPEG", **options)
    start = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    return _patched(data, start + 5, (96).to_bytes(2, "big"))


def _shortened_jpeg() -> bytes:
    data = picture(scene(), "JPEG")
    return data[: len(data) * 3 // 4] + b"\xff\xd9"


def _taller_png() -> bytes:
    data = picture(scene(), "PNG")
    body = data[16:20] + (96).to_bytes(4, "big") + data[24:29]
    return data[:8] + png_chunk(b"IHDR", body) + data[33:]


def _tiff_with_a_circle() -> bytes:
    data = picture(scene(), "TIFF")
    start = struct.unpack_from("<I", data, 4)[0]
    tags = struct.unpack_from("<H", data, start)[0]
    return _patched(data, start + 2 + 12 * tags, struct.pack("<I", start))


def _tiff_of_overlapping_tags() -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 7, 60_000, 0) for tag in range(900))
    return b"II*\x00" + struct.pack("<IH", 8, 900) + entries + bytes(60_000)


def _without_pixel_data() -> bytes:
    data = dicom(scene())
    return data[: data.index(b"\xe0\x7f\x10\x00")]


def _jpeg_in_dicom_of_another_size() -> bytes:
    return dicom(scene(), uid.JPEGBaseline8Bit, Rows=24)


def _jpeg_with_12_bits() -> bytes:
    data = dicom(scene(), uid.JPEGExtended12Bit)
    return _patched(data, data.index(b"\xff\xc0") + 4, b"\x0c")


def _jpeg_2000_without_tiles() -> bytes:
    """Its one tile is said to be the first of 3072."""
    data = dicom(scene(), uid.JPEG2000Lossless)
    return _patched(data, data.index(b"\xff\x4f\xff\x51") + 24, struct.pack(">II", 1, 1))


def _endless_items(count: int = 120_000) -> bytes:
    data = dicom(scene())
    at = data.index(b"\xe0\x7f\x10\x00")
    items = b"\x09\x00\x10\x10SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0" * count
    return data[:at] + items + b"\xfe\xff\xdd\xe0\0\0\0\0" + data[at:]


FAULTS = {
    "empty": (lambda: b"", EmptyFileError),
    "text": (lambda: b"not an image at all", NotAnImageError),
    "zip": (lambda: b"PK\x03\x04" + bytes(40), NotAnImageError),
    "png of 3.6 gigapixels": (lambda: huge_png(60_000, 60_000), TooManyPixelsError),
    "png of no pixels": (lambda: huge_png(0, 10), ZeroSizeError),
    "png with too little data": (lambda: huge_png(600, 600), TruncatedImageError),
    "png taller than its data": (_taller_png, TruncatedImageError),
    "png of a signature": (lambda: picture(scene(), "PNG")[:8], InconsistentHeaderError),
    "jpeg taller than its data": (_taller_jpeg, TruncatedImageError),
    "progressive jpeg taller than its data": (lambda: _taller_jpeg(progressive=True), TruncatedImageError),
    "jpeg cut and closed": (_shortened_jpeg, TruncatedImageError),
    "tiff directories in a circle": (_tiff_with_a_circle, InconsistentHeaderError),
    "tiff tags that overlap": (_tiff_of_overlapping_tags, TruncatedImageError),
    "deflated bomb": (lambda: deflated_bomb(256 * MIB), FileTooLargeError),
    "dicom cut before its pixels": (_without_pixel_data, TruncatedImageError),
    "dicom without an image": (lambda: deflated_bomb(0), NotAnImageError),
    "dicom of 3.6 gigapixels": (lambda: dicom(scene(), Rows=60_000, Columns=60_000), TooManyPixelsError),
    "dicom of no rows": (lambda: dicom(scene(), Rows=0), ZeroSizeError),
    "dicom without rows": (lambda: dicom(scene(), Rows=None), InconsistentHeaderError),
    "dicom of too many frames": (lambda: dicom(scene()[None], NumberOfFrames=501), TooManyFramesError),
    "dicom of more rows than data": (lambda: dicom(scene(), Rows=49), InconsistentHeaderError),
    "dicom of fewer frames than data": (
        lambda: dicom(np.stack([scene()] * 3), NumberOfFrames=1),
        InconsistentHeaderError,
    ),
    "dicom with fewer compressed frames": (
        lambda: ultrasound_loop(NumberOfFrames=9),
        InconsistentHeaderError,
    ),
    "jpeg of another size in a dicom": (_jpeg_in_dicom_of_another_size, InconsistentHeaderError),
    "jpeg extended with 12 bits": (_jpeg_with_12_bits, UnsupportedImageError),
    "jpeg 2000 that lacks tiles": (_jpeg_2000_without_tiles, TruncatedImageError),
    "mpeg-4 in a dicom": (lambda: dicom(scene(), uid.MPEG4HP41), UnsupportedImageError),
    "three samples of grey": (lambda: dicom(scene(), SamplesPerPixel=3), InconsistentHeaderError),
    "a photometric interpretation unheard of": (
        lambda: dicom(scene(), PhotometricInterpretation="HSV"),
        UnsupportedImageError,
    ),
    "more bits stored than allocated": (lambda: dicom(scene(), BitsStored=12), InconsistentHeaderError),
    "a dicom header without end": (_endless_items, (InconsistentHeaderError, TruncatedImageError)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_error_within_seconds_and_quotes_no_patient(fault):
    make, error = FAULTS[fault]
    data = make()
    started = time.process_time()
    with pytest.raises(error) as caught:
        inspect(data)
    assert time.process_time() - started < 5
    assert caught.value.remedy
    assert not any(value in str(caught.value) for value in PATIENT.values())


BOMBS = (
    "png of 3.6 gigapixels",
    "deflated bomb",
    "dicom of 3.6 gigapixels",
    "tiff tags that overlap",
    "a dicom header without end",
)
_MEASURE = """
import resource, sys
from pathlib import Path
from ml.errors import ImageError
from ml.imaging import inspect
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    data = Path(path).read_bytes()
    before = peak()
    try:
        inspect(data)
    except ImageError:
        print((peak() - before) // 1024)
"""


def test_a_bomb_takes_little_memory(tmp_path):
    paths = [tmp_path / str(number) for number in range(len(BOMBS))]
    for path, bomb in zip(paths, BOMBS, strict=True):
        path.write_bytes(FAULTS[bomb][0]())
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, paths)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    grown = [int(line) for line in measured.stdout.split()]
    assert len(grown) == len(BOMBS)
    assert max(grown) < 200, dict(zip(BOMBS, grown, strict=True))


def test_each_limit_is_a_limit():
    data = dicom(scene(40, 50))
    assert inspect(data, ImagingLimits(len(data), 2000, 1)).frames == 1
    with pytest.raises(FileTooLargeError):
        inspect(data, ImagingLimits(max_bytes=len(data) - 1))
    with pytest.raises(TooManyPixelsError):
        inspect(data, ImagingLimits(max_pixels=1999))
    with pytest.raises(TooManyFramesError):
        inspect(ultrasound_loop(2), ImagingLimits(max_frames=1))


def test_only_existing_frames_are_decoded():
    for frame in (-1, 1):
        with pytest.raises(FrameIndexError):
            decode(dicom(scene()), frame)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_cut_dicom_file_is_called_truncated(syntax):
    data = dicom(scene(), syntax)
    with pytest.raises(TruncatedImageError):
        inspect(data[:-200])
