"""One image -> what can be said of it alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ml import imaging
from ml.data import likeness
from ml.data.doctor import marks, seams
from ml.errors import ImageError
from ml.imaging import depth
from ml.scope import COLOUR_SHARE
from ml.types import Gray, Scan

BLANK = 12
"""Grey levels between the darkest and the brightest hundredth; real scans have 70 and more (`ml.scope`)."""

LEVELS = 32
"""Fewer different grey levels than these: the file was made by a program that throws levels away."""

_THUMBNAIL = 128


@dataclass(frozen=True, slots=True)
class Look:
    """`findings` are words of `docs/doctor.md`. `fault` says why the image can't be read ("": it can; else
    everything else is empty). `descriptor`: uint8 (60, 60). `jpeg`: a thumbnail, at most 128 pixels a side.
    `patient`: a hash of the DICOM header's patient id, "" where there is none."""

    findings: tuple[str, ...] = ()
    fault: str = ""
    descriptor: Gray = field(default_factory=lambda: likeness.BLANK)
    jpeg: bytes = b""
    width: int = 0
    height: int = 0
    bits: int = 0
    patient: str = ""


def look(path: Path) -> Look:
    """Never raises for a bad file: that is a finding."""
    try:
        data = path.read_bytes()
        scan = imaging.decode(data)
        bits = depth.bits(data)
        header = imaging.identity(data)
    except (ImageError, OSError) as error:
        return Look(("unreadable",), str(error.strerror if isinstance(error, OSError) else error))
    blank = _is_blank(scan.pixels)
    return Look(
        findings=("blank",) if blank else _findings(scan, header is not None and header.burned_in is True),
        descriptor=likeness.BLANK if blank else likeness.descriptor(scan.pixels),
        jpeg=_thumbnail(scan.pixels),
        width=scan.info.width,
        height=scan.info.height,
        bits=bits,
        patient=_patient(scan),
    )


def _findings(scan: Scan, burned_in: bool) -> tuple[str, ...]:
    thin = marks.strokes(scan.pixels)
    said = {
        "text": burned_in or marks.has_writing(thin),
        "calipers": marks.has_calipers(thin),
        "colour": scan.colour_share > COLOUR_SHARE,
        "two-pictures": seams.are_two(scan.pixels),
        "odd-depth": np.count_nonzero(np.bincount(scan.pixels.ravel(), minlength=256)) < LEVELS,
    }
    return tuple(word for word, holds in said.items() if holds)


def _is_blank(pixels: Gray) -> bool:
    low, high = np.percentile(pixels, (1, 99))
    return bool(high - low < BLANK)


def _patient(scan: Scan) -> str:
    """A hash, since the audit's files travel further than the scans do."""
    said = scan.info.dicom.patient_id if scan.info.dicom else None
    return hashlib.sha256(said.encode()).hexdigest()[:12] if said else ""


def _thumbnail(pixels: Gray) -> bytes:
    scale = min(1.0, _THUMBNAIL / max(pixels.shape))
    height, width = (max(1, round(side * scale)) for side in pixels.shape)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()
