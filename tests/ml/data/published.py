"""Small data sets in the published layouts, drawn for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def scan(seed: int, shape: tuple[int, int] = (90, 110), bright: bool = False) -> np.ndarray:
    """Smooth random grey image; images of different seeds hardly correlate. `bright` marks a class."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)) // 2
    return pixels + (90 if bright else 0)


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def lesion(shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[30:60, 10:35] = 255
    return mask


def write_busbra(root: Path, patients: int = 8, folds: int = 4) -> Path:
    """Two images a patient, every second patient malignant, official folds 1..`folds`."""
    rows, fold_rows = [], []
    for case in range(1, patients + 1):
        malignant = case % 2 == 0
        for side in "lr":
            name = f"bus_{case:04d}-{side}"
            save(scan(case * 2 + (side == "r"), bright=malignant), root / "Images" / f"{name}.png")
            save(lesion(), root / "Masks" / f"{name.replace('bus', 'mask')}.png")
            label = "malignant" if malignant else "benign"
            rows.append({"ID": name, "Case": case, "Pathology": label, "BIRADS": 5 if malignant else 2})
            fold_rows.append({"ID": name, "Pathology": label, "kFold": (case - 1) // 2 % folds + 1})
    _table(root / "bus_data.csv", rows)
    _table(root / "5-fold-cv.csv", fold_rows)
    return root


def write_busi(root: Path, each: int = 8) -> Path:
    """`each` images a class; benign (1) and (2) are near copies; one copy has two labels."""
    for number, label in enumerate(("benign", "malignant", "normal")):
        for index in range(1, each + 1):
            pixels = scan(1000 * (number + 1) + index, (64, 64), bright=label == "malignant")
            save(pixels, root / label / f"{label} ({index}).png")
            save(lesion((64, 64)), root / label / f"{label} ({index})_mask.png")
    twin = scan(1001, (64, 64))
    save(np.clip(twin.astype(int) + 9, 0, 255), root / "benign" / "benign (2).png")
    save(scan(2003, (64, 64), bright=True), root / "normal" / "normal (3).png")
    save(lesion((64, 64)), root / "benign" / "benign (1)_mask_1.png")
    return root


def _table(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
