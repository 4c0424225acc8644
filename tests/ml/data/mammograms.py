"""Drawn mammograms in the layout of CBIS-DDSM: `python -m tests.ml.data.mammograms DIR [PATIENTS]`.

Two views a patient with one mass each: benign ones are smooth ovals, malignant ones have spicules. They say
nothing of mammography; they show that a study of `cbis-ddsm` runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from tests.ml.data.published import write_dicom

_HEADER = (
    "patient_id,breast_density,left or right breast,image view,abnormality id,mass shape,assessment,"
    "pathology,image file path,cropped image file path,ROI mask file path"
)
_SHAPE = (192, 144)


def write(root: Path, patients: int = 60) -> Path:
    """Every second patient's mass is malignant."""
    lines = [_HEADER]
    for number in range(patients):
        malignant = bool(number % 2)
        for view in ("CC", "MLO"):
            rng = np.random.default_rng((number, view == "CC"))
            pixels, mask = _mammogram(malignant, rng)
            lines.append(_row(root, f"P_{number + 1:05}", view, malignant, pixels, mask))
    (root / "mass_case_description_train_set.csv").write_text("\n".join(lines) + "\n")
    return root


def _row(root: Path, patient: str, view: str, malignant: bool, pixels: np.ndarray, mask: np.ndarray) -> str:
    case = f"Mass-Training_{patient}_LEFT_{view}"
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    within = root / "CBIS-DDSM" / f"{case}_1" / "series"
    write_dicom(pixels, root / "CBIS-DDSM" / case / "series" / "1-1.dcm")
    write_dicom(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], within / "1-1.dcm")
    write_dicom(mask, within / "1-2.dcm")
    shape, grade, pathology = ("SPICULATED", 5, "MALIGNANT") if malignant else ("OVAL", 3, "BENIGN")
    paths = f"{case}/1.2/3.4/000000.dcm,{case}_1/1.2/3.4/000000.dcm,{case}_1/1.2/3.4/000001.dcm"
    return f"{patient},2,LEFT,{view},1,{shape},{grade},{pathology},{paths}"


def _mammogram(malignant: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (192, 144): half an ellipse of tissue on black with a mass in it; and the mask of the mass."""
    height, width = _SHAPE
    breast = np.zeros(_SHAPE, np.float32)
    cv2.ellipse(breast, (0, height // 2), (width - 20, height // 2 - 12), 0, -90, 90, 1.0, -1)
    tissue = cv2.GaussianBlur(rng.standard_normal(_SHAPE).astype(np.float32), (0, 0), 6)
    grain = rng.standard_normal(_SHAPE).astype(np.float32)
    pixels = breast * (90 + 25 * tissue / tissue.std() + 8 * grain)
    mask = np.zeros(_SHAPE, np.uint8)
    at = (int(rng.integers(30, 75)), int(rng.integers(60, 132)))
    size = int(rng.integers(10, 17))
    cv2.ellipse(mask, at, (size, round(size * 0.75)), float(rng.integers(0, 180)), 0, 360, 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 14 if malignant else 0):
        reach = size * rng.uniform(1.4, 1.9)
        end = (round(at[0] + reach * np.cos(angle)), round(at[1] + reach * np.sin(angle)))
        cv2.line(mask, at, end, 255, 1)
    pixels += 70 * cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.8 if malignant else 1.6)
    return pixels.clip(0, 255).astype(np.uint8), mask


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
