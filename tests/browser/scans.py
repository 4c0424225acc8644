"""Phantoms as files, for a browser to choose."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

import ml

SIZE = (360, 420)
FRAMES = 6


def png(folder: Path, kind: str, seed: int, name: str) -> Path:
    """A phantom as a PNG file."""
    file = BytesIO()
    Image.fromarray(ml.phantom.draw(kind, seed, SIZE).pixels).save(file, "PNG")
    return _write(folder / name, file.getvalue())


def dicom(folder: Path, kind: str, seed: int, name: str, **facts: str) -> Path:
    """A phantom as an ultrasound DICOM file."""
    return _write(folder / name, ml.phantom.dicom(ml.phantom.draw(kind, seed, SIZE), **facts))


def loop(folder: Path, kind: str, seed: int, name: str) -> Path:
    """A phantom as a short ultrasound loop of `FRAMES` frames."""
    return _write(folder / name, ml.phantom.loop_dicom(kind, seed, FRAMES))


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
