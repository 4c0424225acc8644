"""CBIS-DDSM as published: four CSV files of cases, and DICOM files in a folder an image and a finding.

Lee et al., A curated mammography data set for use in computer-aided detection and diagnosis research,
Scientific Data 4 (2017) 170177; The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2016.7O02S9CY. Assumed:
the CSV files in the folder given, the case folders (`Mass-Training_P_00001_LEFT_CC`, ...) beside them or in
`CBIS-DDSM`. What lies within a case folder is named anew by each release of the download program,
so the paths in the tables are followed by their first folder only.

An image with several findings is one sample, malignant where one of them is; BENIGN_WITHOUT_CALLBACK is
benign. The folder of a finding holds its mask and a crop, which some releases exchange: the larger one is
the mask. Masks of another size than their mammogram, some of which were published, are left out. The
published division into training and test part is made for masses and for calcifications apart, which a
patient may have both of, so it is not taken as a fold. A mammogram that shows a mass and calcifications was
published twice, under one patient.
"""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from ml.data import tables
from ml.data.samples import Reading, Sample, category
from ml.errors import DataError

MARKER = "*_case_description_*_set.csv"
_IMAGE, _MASK = "image file path", "ROI mask file path"
_COLUMNS = ("patient_id", "pathology", "assessment", _IMAGE, _MASK)
_LABELS = {"BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign", "MALIGNANT": "malignant"}


def read(directory: Path) -> Reading:
    """Every mammogram that the tables name, with patient, masks and BI-RADS category.

    Raises:
        DataError: no table, or another one.
    """
    files = sorted(directory.glob(MARKER))
    if not files:
        raise DataError(
            f"CBIS-DDSM can't be read: no {MARKER} in the folder.",
            "Put mass_case_description_train_set.csv and its like beside the folders of the cases.",
        )
    problems: list[str] = []
    findings: dict[str, list[tuple[str, tables.Row]]] = {}
    for file in files:
        for line, row in tables.read(file, _COLUMNS, problems):
            where = f"{file.name} line {line}"
            if row["pathology"] not in _LABELS:
                problems.append(f"{where}: pathology is {row['pathology']!r}")
            elif not row["patient_id"]:
                problems.append(f"{where}: no patient_id")
            elif not (_case(row[_IMAGE]) and _case(row[_MASK])):
                problems.append(f"{where}: no folder in {_IMAGE} or {_MASK}")
            else:
                findings.setdefault(_case(row[_IMAGE]), []).append((where, row))
    root = directory / "CBIS-DDSM" if (directory / "CBIS-DDSM").is_dir() else directory
    samples = [_sample(root, case, rows, problems) for case, rows in findings.items()]
    return Reading(tuple(sample for sample in samples if sample), tuple(problems))


def _case(path: str) -> str:
    """The first folder of a path in a table, "" where it leads elsewhere."""
    first, slash, _ = path.partition("/")
    return first if slash and first not in (".", "..") else ""


def _sample(root: Path, case: str, rows: list[tuple[str, tables.Row]], problems: list[str]) -> Sample | None:
    images = _sizes(root / case, problems)
    if len(images) != 1:
        problems.append(f"{rows[0][0]}: {len(images)} readable DICOM files in {case}, not one")
        return None
    ((image, size),) = images.items()
    masks = []
    for where, row in rows:
        sizes = _sizes(root / _case(row[_MASK]), problems)
        mask = max(sizes, key=lambda path: sizes[path][0] * sizes[path][1], default=None)
        if mask is None:
            problems.append(f"{where}: no mask in {_case(row[_MASK])}")
        elif sizes[mask] == size:
            masks.append(mask)
    patient = f"cbis-ddsm:{rows[0][1]['patient_id']}"
    labels = {_LABELS[row["pathology"]] for _, row in rows}
    grades = [grade for _, row in rows if (grade := category(row["assessment"]))]
    return Sample(
        image,
        "malignant" if "malignant" in labels else "benign",
        patient,
        patient,
        "cbis-ddsm",
        tuple(masks),
        birads=max(grades, default=None),
        name=case,
    )


def _sizes(folder: Path, problems: list[str]) -> dict[Path, tuple[int, int]]:
    """(rows, columns) of each DICOM file below a folder, from its header."""
    sizes = {}
    for path in sorted(folder.rglob("*.dcm")):
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
            sizes[path] = int(header.Rows), int(header.Columns)
        except (OSError, InvalidDicomError, AttributeError, TypeError, ValueError):
            problems.append(f"{path.relative_to(folder.parent)}: no DICOM file, or one without an image")
    return sizes
