"""Damaged bytes of every format end in an ImageError or an image, never in anything else."""

from __future__ import annotations

import logging
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml.errors import ImageError
from ml.imaging import ImagingLimits, decode, sniff
from tests.ml.imaging.files import SYNTAXES, animation, colour_scene, dicom, picture, scene, ultrasound_loop

MAKERS = {
    "png": lambda: picture(colour_scene(), "PNG"),
    "png16": lambda: picture(scene().astype("uint16") * 257, "PNG"),
    "jpeg": lambda: picture(colour_scene(), "JPEG"),
    "progressive": lambda: picture(colour_scene(), "JPEG", progressive=True),
    "tiff": lambda: picture(colour_scene(), "TIFF"),
    "lzw": lambda: picture(colour_scene(), "TIFF", compression="tiff_lzw"),
    "pages": lambda: animation([colour_scene(), colour_scene(seed=1)], "TIFF"),
    "bmp": lambda: picture(colour_scene(), "BMP"),
    "webp": lambda: picture(colour_scene(), "WEBP"),
    "animation": lambda: animation([colour_scene(), colour_scene(seed=1)], "WEBP"),
    "loop": ultrasound_loop,
    **{syntax.name: (lambda syntax=syntax: dicom(scene(), syntax)) for syntax in SYNTAXES},
}
SMALL = ImagingLimits(max_bytes=2**20, max_pixels=250_000, max_frames=20)


@cache
def _whole(name: str) -> bytes:
    return MAKERS[name]()


@pytest.fixture(autouse=True)
def _quiet_log():
    """pydicom logs each plugin's failure with its traceback; thousands of them slow a run down."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


def _is_image_or_named(data: bytes) -> bool:
    try:
        scan = decode(data, limits=SMALL)
    except ImageError:
        return True
    return scan.pixels.shape == (scan.info.height, scan.info.width)


@settings(max_examples=200, deadline=2000)
@given(data=st.binary(max_size=200))
@example(data=b"\x89PNG\r\n\x1a\n")
@example(data=bytes(128) + b"DICM")
@example(data=b"II*\x00\x08\x00\x00\x00\xff\xff")
@example(data=b"\xff\xd8\xff\xff\xff\xff")
def test_random_bytes_are_an_image_or_a_named_error(data):
    sniff(data)
    assert _is_image_or_named(data)


@pytest.mark.parametrize(
    "start",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff",
        b"II*\x00",
        b"MM\x00+",
        b"BM",
        b"RIFF\0\0\0\0WEBPVP8X",
        bytes(128) + b"DICM",
    ],
)
@settings(max_examples=40, deadline=2000)
@given(rest=st.binary(max_size=300))
def test_a_signature_and_random_bytes_are_an_image_or_a_named_error(start, rest):
    assert _is_image_or_named(start + rest)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=5000)
@given(st.data())
def test_a_cut_file_is_an_image_or_a_named_error(name, data):
    whole = _whole(name)
    assert _is_image_or_named(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=40, deadline=5000)
@given(st.data())
def test_a_file_with_changed_bytes_is_an_image_or_a_named_error(name, data):
    damaged = bytearray(_whole(name))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert _is_image_or_named(bytes(damaged))
