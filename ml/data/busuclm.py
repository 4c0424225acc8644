"""BUS-UCLM as published: `images`, `masks` and `INFO.csv`, with semicolons between the values.

Vallez et al., BUS-UCLM: Breast ultrasound lesion segmentation dataset, Scientific Data 2025, doi
10.1038/s41597-025-04562-3; Mendeley Data, doi 10.17632/7fvgj4jsp7. 683 images of 38 patients. Assumed: the
letters before `_` in a file's name are the patient, as in `ALWI_000.png`. Masks are green on black for
benign lesions, red for malignant ones; those of normal images are black and are left out. Doppler images
and two pictures in one are in it (columns Doppler and Combined): the dataset doctor finds them in the
pixels.
"""

from __future__ import annotations

from pathlib import Path

from ml.data import tables
from ml.data.samples import CLASSES, Reading, Sample

MARKER = "INFO.csv"


def read(directory: Path) -> Reading:
    """Every image of `INFO.csv`, with patient and mask.

    Raises:
        DataError: the table is missing or another one.
    """
    root = directory / "BUS-UCLM" if (directory / "BUS-UCLM").is_dir() else directory
    problems: list[str] = []
    samples: list[Sample] = []
    for line, row in tables.read(root / MARKER, ("Image", "Label"), problems, delimiter=";"):
        image, mask = root / "images" / row["Image"], root / "masks" / row["Image"]
        label = row["Label"].lower()
        who, underscore, _ = row["Image"].partition("_")
        if label not in CLASSES:
            problems.append(f"{MARKER} line {line}: Label is {row['Label']!r}")
        elif not (who and underscore):
            problems.append(f"{MARKER} line {line}: no patient in the name {row['Image']!r}")
        elif not image.is_file():
            problems.append(f"{MARKER} line {line}: no file images/{row['Image']}")
        else:
            patient = f"bus-uclm:{who}"
            masks = (mask,) if label != "normal" and mask.is_file() else ()
            samples.append(Sample(image, label, patient, patient, "bus-uclm", masks))
    return Reading(tuple(samples), tuple(problems))
