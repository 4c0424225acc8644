"""Synthetic breast ultrasound, drawn by code: for the demo and for tests, never for training or judging.

>>> phantom = draw("cyst", seed=3)
>>> phantom.label, phantom.pixels.shape
('benign', (480, 560))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ml.data import masses, phantom_dicom
from ml.data.scatter import Noise, scan
from ml.data.tissue import breast
from ml.types import Gray

Kind = Literal["normal", "cyst", "smooth", "irregular"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LABELS = {"normal": "normal", "cyst": "benign", "smooth": "benign", "irregular": "malignant"}
_SWEEP_MM = 8.0
"""How far the probe travels across the planes of a loop."""


@dataclass(frozen=True, slots=True)
class Phantom:
    """A drawn scan and the truth about it.

    `pixels`: uint8 (H, W). `mask`: bool (H, W), True in the mass. `label`: what such a mass stands for,
    benign, malignant or normal. `spacing_mm`: mm per pixel, the same both ways.
    """

    pixels: Gray
    mask: NDArray[np.bool_]
    kind: Kind
    label: str
    spacing_mm: float


def draw(
    kind: Kind,
    seed: int,
    size: tuple[int, int] = (480, 560),
    spacing_mm: float = 0.08,
    elevation_mm: float = 0.0,
) -> Phantom:
    """One scan; the same arguments give the same pixels. About a quarter of a second.

    `size`: rows and columns. `elevation_mm`: how far the plane lies from the middle of the mass; planes of
    one seed belong to one breast.

    Raises:
        ValueError: no such kind, or a size under 32 pixels or a spacing that is not positive.
    """
    if kind not in KINDS or min(size) < 32 or spacing_mm <= 0:
        raise ValueError(f"can't draw {kind!r} of {size} at {spacing_mm} mm; kinds: {', '.join(KINDS)}")
    noise = Noise(seed, size, spacing_mm, elevation_mm)
    tissue, mask = breast(noise), np.zeros(size, dtype=np.bool_)
    if kind != "normal":
        tissue, mask = masses.add(tissue, masses.RECIPES[kind], noise)
    return Phantom(scan(tissue, noise), mask, kind, _LABELS[kind], spacing_mm)


def dicom(phantom: Phantom, *, patient_id: str = "", accession: str = "", laterality: str = "") -> bytes:
    """The scan as a DICOM file, Ultrasound Image Storage, with its spacing in a region; marked as a phantom.

    Texts are left empty where the upload form shall say. `laterality`: L, R or empty.
    """
    facts = phantom_dicom.Facts(patient_id, accession, laterality)
    return phantom_dicom.write(phantom.pixels[None], phantom.spacing_mm, facts)


def loop_dicom(
    kind: Kind,
    seed: int,
    frames: int = 12,
    *,
    patient_id: str = "",
    accession: str = "",
    laterality: str = "",
) -> bytes:
    """A sweep through one breast as a DICOM file, Ultrasound Multi-frame Image Storage. See `dicom`."""
    planes = np.linspace(-_SWEEP_MM / 2, _SWEEP_MM / 2, frames)
    drawn = [draw(kind, seed, elevation_mm=float(plane)) for plane in planes]
    facts = phantom_dicom.Facts(patient_id, accession, laterality)
    return phantom_dicom.write(np.stack([each.pixels for each in drawn]), drawn[0].spacing_mm, facts)
