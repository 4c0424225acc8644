"""What the header says besides the pixels: form fields, spacing in mm, ultrasound regions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import Literal, cast

from pydicom.dataset import Dataset

from ml.imaging.dicom_header import PixelHeader
from ml.types import DicomFacts, UltrasoundRegion

MAX_TEXT = 64
"""Characters of a Long String (PS3.5 6.2); whatever is longer isn't one."""
MAX_REGIONS = 64
_CENTIMETRES = 3
_MACROS = (
    "FrameAnatomySequence",
    "FrameVOILUTSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
)
Spacing = tuple[float, float]


def lay_flat(header: Dataset, frame: int) -> None:
    """Write what the functional groups say of `frame` into the header itself (PS3.3 C.7.6.16)."""
    groups = [*(header.get("SharedFunctionalGroupsSequence") or [])[:1]]
    groups += (header.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]
    for group in groups:
        for macro in _MACROS:
            for item in (group.get(macro) or [])[:1]:
                header.update(item)


def facts(header: Dataset) -> DicomFacts:
    """The fields that fill the upload form; whatever is empty or malformed is None."""
    return DicomFacts(
        modality=_text(header, "Modality"),
        patient_id=_text(header, "PatientID"),
        accession=_text(header, "AccessionNumber"),
        study_uid=_text(header, "StudyInstanceUID"),
        sop_uid=_text(header, "SOPInstanceUID"),
        laterality=_laterality(header),
        view=_view(header),
        study_date=_date(header),
    )


def spacing_mm(header: Dataset, regions: tuple[UltrasoundRegion, ...]) -> Spacing | None:
    """(row, column) in mm: Pixel Spacing, Imager Pixel Spacing, or what all calibrated regions share."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        value = header.get(keyword)
        if value is not None and header[keyword].VM == 2:
            return _positive(value[0], value[1])
    found = {region.spacing_mm for region in regions if region.spacing_mm}
    return found.pop() if len(found) == 1 else None


def ultrasound_regions(header: Dataset, pixels: PixelHeader) -> tuple[UltrasoundRegion, ...]:
    """Regions with an area within the frame (PS3.3 C.8.5.5); the others are left out."""
    items = (header.get("SequenceOfUltrasoundRegions") or [])[:MAX_REGIONS]
    return tuple(region for item in items if (region := _region(item, pixels)))


def _region(item: Dataset, pixels: PixelHeader) -> UltrasoundRegion | None:
    corners = [item.get(f"RegionLocation{corner}") for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if not all(isinstance(corner, int) for corner in corners):
        return None
    x0, y0, x1, y1 = cast("list[int]", corners)
    x0, y0 = max(x0, 0), max(y0, 0)
    x1, y1 = min(x1 + 1, pixels.columns), min(y1 + 1, pixels.rows)  # the corner is the last pixel
    return UltrasoundRegion(x0, y0, x1, y1, _region_spacing(item)) if x0 < x1 and y0 < y1 else None


def _region_spacing(item: Dataset) -> Spacing | None:
    units = (item.get("PhysicalUnitsXDirection"), item.get("PhysicalUnitsYDirection"))
    if units != (_CENTIMETRES, _CENTIMETRES):
        return None
    # the sign tells the direction in which the axis runs
    x, y = _number(item.get("PhysicalDeltaX")), _number(item.get("PhysicalDeltaY"))
    return _positive(abs(y) * 10, abs(x) * 10)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # whatever isn't a number raises
    except (TypeError, ValueError):
        return math.nan


def _positive(row: object, column: object) -> Spacing | None:
    spacing = _number(row), _number(column)
    return spacing if all(0 < side < math.inf for side in spacing) else None


def _first(header: Dataset, keywords: Iterable[str]) -> str | None:
    return next((text for keyword in keywords if (text := _text(header, keyword))), None)


def _text(header: Dataset, keyword: str) -> str | None:
    value = str(header.get(keyword) or "")[: 4 * MAX_TEXT]
    return "".join(filter(str.isprintable, value)).strip()[:MAX_TEXT] or None


def _laterality(header: Dataset) -> Literal["L", "R", "B"] | None:
    side = _first(header, ("ImageLaterality", "FrameLaterality", "Laterality"))
    return side if side in ("L", "R", "B") else None  # type: ignore[return-value]


def _view(header: Dataset) -> str | None:
    if position := _text(header, "ViewPosition"):
        return position
    codes = header.get("ViewCodeSequence") or []
    return _text(codes[0], "CodeMeaning") if len(codes) else None


def _date(header: Dataset) -> str | None:
    digits = _text(header, "StudyDate") or ""
    try:
        return date.fromisoformat(digits).isoformat() if len(digits) == 8 and digits.isdecimal() else None
    except ValueError:
        return None
