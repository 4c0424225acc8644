"""BUS-BRA as published: `Images`, `Masks`, `bus_data.csv` and the official fold files.

Gómez-Flores et al., BUS-BRA, Medical Physics 2023, doi 10.5281/zenodo.7730709. `Case` is the patient.
"""

from __future__ import annotations

from pathlib import Path

from ml.data import tables
from ml.data.samples import Reading, Sample, category

MARKER = "bus_data.csv"
_LABELS = {"benign", "malignant"}


def read(directory: Path) -> Reading:
    """Every image of `bus_data.csv`, with patient, mask and official fold (of five).

    Raises:
        DataError: a table is missing or another one.
    """
    root = directory / "BUSBRA" if (directory / "BUSBRA").is_dir() else directory
    problems: list[str] = []
    rows = tables.read(root / MARKER, ("ID", "Case", "Pathology"), problems)
    folds = _folds(root / "5-fold-cv.csv", problems)
    samples: list[Sample] = []
    for line, row in rows:
        image = root / "Images" / f"{row['ID']}.png"
        mask = root / "Masks" / f"{row['ID'].replace('bus_', 'mask_')}.png"
        label = row["Pathology"].lower()
        if label not in _LABELS:
            problems.append(f"{MARKER} line {line}: Pathology is {row['Pathology']!r}")
        elif not row["Case"]:
            problems.append(f"{MARKER} line {line}: no Case, so the patient isn't known")
        elif not image.is_file():
            problems.append(f"{MARKER} line {line}: no file Images/{image.name}")
        else:
            patient = f"bus-bra:{row['Case']}"
            masks = (mask,) if mask.is_file() else ()
            fold, birads = folds.get(row["ID"]), category(row.get("BIRADS", ""))
            samples.append(Sample(image, label, patient, patient, "bus-bra", masks, fold=fold, birads=birads))
    return Reading(tuple(samples), tuple(problems))


def _folds(path: Path, problems: list[str]) -> dict[str, int]:
    folds = {}
    for line, row in tables.read(path, ("ID", "kFold"), problems):
        if row["kFold"] in tuple("12345"):
            folds[row["ID"]] = int(row["kFold"])
        else:
            problems.append(f"{path.name} line {line}: kFold is {row['kFold']!r}, not 1 to 5")
    return folds
