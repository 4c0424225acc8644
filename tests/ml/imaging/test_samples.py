"""The sample files that pydicom carries: real headers of many makers, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom.data
import pytest

from ml.errors import (
    ImageError,
    InconsistentHeaderError,
    NotAnImageError,
    TruncatedImageError,
    UnsupportedImageError,
)
from ml.imaging import decode

FOLDER = Path(pydicom.data.__file__).parent / "test_files"
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def _outcome(path: Path) -> str:
    try:
        scan = decode(path.read_bytes())
    except ImageError as error:
        return error.code
    return "read" if scan.pixels.shape == (scan.info.height, scan.info.width) else "misshapen"


def test_every_sample_is_read_or_refused_by_name():
    outcomes = [_outcome(path) for path in FILES]
    assert len(outcomes) > 100
    assert "misshapen" not in outcomes
    assert outcomes.count("read") >= 80


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("JPEG-lossy.dcm", UnsupportedImageError),  # JPEG Extended with 12 bits
        ("JPGExtended.dcm", UnsupportedImageError),
        ("MR_truncated.dcm", TruncatedImageError),
        ("meta_missing_tsyntax.dcm", InconsistentHeaderError),
        ("rtplan.dcm", NotAnImageError),  # without pixel data
        ("test-SR.dcm", NotAnImageError),
        ("no_meta.dcm", NotAnImageError),  # neither preamble nor prefix
        ("README.txt", NotAnImageError),
    ],
)
def test_a_sample_that_is_not_read_says_why(name, error):
    with pytest.raises(error):
        decode((FOLDER / name).read_bytes())


def test_a_scan_is_the_same_in_every_byte_order_and_compression():
    names = ("MR_small", "MR_small_bigendian", "MR_small_implicit", "MR_small_RLE", "MR_small_jp2klossless")
    scans = [decode((FOLDER / f"{name}.dcm").read_bytes()).pixels for name in names]
    assert all(np.array_equal(scan, scans[0]) for scan in scans)


def test_an_ultrasound_loop_in_ybr_is_read_frame_by_frame():
    data = (FOLDER / "examples_ybr_color.dcm").read_bytes()
    first, last = decode(data, 0), decode(data, 29)
    assert first.info.frames == 30
    assert first.info.spacing_mm == pytest.approx((0.5105, 0.5105), rel=1e-3)
    assert not np.array_equal(first.pixels, last.pixels)
