"""BrEaST as published: `caseNNN.png` with `caseNNN_tumor.png`, and a workbook of clinical data.

Pawłowska et al., Curated benchmark dataset for ultrasound based breast lesion analysis, Scientific Data 11
(2024) 148; The Cancer Imaging Archive, Breast-Lesions-USG, doi 10.7937/9WKK-Q141, as of 15 December 2023.
One image a patient. Assumed: the images lie in the folder or one below it, and the workbook's first sheet
has the table. Masks of other structures (`caseNNN_otherN.png`) are not of the lesion and are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ml.data.samples import CLASSES, Reading, Sample, category
from ml.errors import DataError

MARKER = "BrEaST*.xlsx"
_COLUMNS = ("CaseID", "Image_filename", "Mask_tumor_filename", "Classification")


def read(directory: Path) -> Reading:
    """Every image of the workbook, with patient, mask and BI-RADS category.

    Raises:
        DataError: there is no workbook, or several, or it is another one.
    """
    books = sorted(directory.glob(MARKER))
    if len(books) != 1:
        raise DataError(
            f"BrEaST can't be read: {len(books)} files {MARKER} in the folder.",
            "Put the clinical data of the archive into it, as one workbook.",
        )
    files = {path.name: path for path in (*directory.glob("*.png"), *directory.glob("*/*.png"))}
    problems: list[str] = []
    samples: list[Sample] = []
    for line, row in _rows(books[0]):
        where = f"{books[0].name} row {line}"
        image, label = files.get(row["Image_filename"]), row["Classification"].lower()
        masks = [name.strip() for name in row["Mask_tumor_filename"].split("&") if name.strip()]
        missing = [name for name in masks if name not in files]
        if label not in CLASSES:
            problems.append(f"{where}: Classification is {row['Classification']!r}")
        elif image is None or missing:
            problems.append(f"{where}: no file {missing[0] if image else row['Image_filename']!r}")
        else:
            patient = f"breast:{row['CaseID']}"
            found = tuple(files[name] for name in masks)
            birads = category(row.get("BIRADS", ""))
            samples.append(Sample(image, label, patient, patient, "breast", found, birads=birads))
    return Reading(tuple(samples), tuple(problems))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        values = list(book.worksheets[0].iter_rows(values_only=True))
        book.close()
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise DataError(f"{path.name} is damaged.", "Fetch the archive again.") from error
    header = [_text(value) for value in values[0]] if values else []
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise DataError(
            f"{path.name} is not the expected table: its first row lacks {', '.join(missing)}.",
            "Take the workbook of the archive as it is.",
        )
    texts = ((line, [_text(value) for value in row]) for line, row in enumerate(values[1:], start=2))
    return [(line, dict(zip(header, row, strict=True))) for line, row in texts if any(row)]


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
