"""BUS-BRA as published: `Images`, `Masks`, `bus_data.csv` and the official fold files.

Gómez-Flores et al., BUS-BRA, Medical Physics 2023, doi 10.5281/zenodo.7730709. `Case` is the patient.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ml.data.samples import Sample
from ml.errors import DataError

_LABELS = {"benign", "malignant"}


def read(directory: Path) -> list[Sample]:
    """Every image of `bus_data.csv`, with patient, mask and official fold (of five).

    Raises:
        DataError: a table is missing, or rows are wrong; all faults are listed with their line.
    """
    root = directory / "BUSBRA" if (directory / "BUSBRA").is_dir() else directory
    rows = _table(root / "bus_data.csv")
    folds = {row["ID"]: int(row["kFold"]) for row in _table(root / "5-fold-cv.csv")}
    problems: list[str] = []
    samples: list[Sample] = []
    for line, row in enumerate(rows, start=2):
        image = root / "Images" / f"{row['ID']}.png"
        mask = root / "Masks" / f"{row['ID'].replace('bus_', 'mask_')}.png"
        label = row["Pathology"].strip().lower()
        if label not in _LABELS:
            problems.append(f"bus_data.csv line {line}: Pathology is {row['Pathology']!r}")
        elif not image.is_file():
            problems.append(f"bus_data.csv line {line}: no file Images/{image.name}")
        else:
            patient = f"bus-bra:{row['Case']}"
            masks = (mask,) if mask.is_file() else ()
            samples.append(
                Sample(
                    image,
                    label,
                    patient,
                    patient,
                    "bus-bra",
                    masks,
                    folds.get(row["ID"]),
                    birads=_birads(row),
                )
            )
    if problems:
        raise DataError(
            f"BUS-BRA can't be read: {len(problems)} faults. {problems[0]}.",
            "Mend the table or fetch the archive again.",
            tuple(problems),
        )
    return samples


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise DataError(
            f"BUS-BRA can't be read: no {path.name}.",
            "Name the folder that holds Images, Masks and the CSV files.",
        ) from error


def _birads(row: dict[str, str]) -> int | None:
    digits = row.get("BIRADS", "").strip()[:1]
    return int(digits) if digits.isdigit() else None
