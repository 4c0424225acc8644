"""A table of images: `path,label[,patient][,group][,mask][,spacing][,findings]`, CSV in UTF-8.

`path` and `mask` (several with `;` between) are relative to the folder of the table; of a table that
`python -m ml audit` wrote, to the folder that was audited, which `findings.json` beside it names.
`spacing` is the side of a pixel in mm. What shares a patient or a group stays on one side of a split, and
images with neither are grouped by likeness. Rows with one of `LEFT_OUT` among their findings (words with `;`
between) are left out; whoever knows better deletes the word.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

from ml.data import folder, tables
from ml.data.groups import joined
from ml.data.samples import CLASSES, Reading, Sample

FILE = "manifest.csv"
FINDINGS = "findings.json"
LEFT_OUT = frozenset({"unreadable", "blank", "unlabelled", "conflict"})
MAX_SPACING_MM = 10.0


def read(path: Path, dataset: str = "manifest") -> Reading:
    """Every row of the table `path`, or of `manifest.csv` in the folder `path`.

    Raises:
        DataError: there is no such table, or it lacks a path and a label.
    """
    rows, problems = _rows(path / FILE if path.is_dir() else path, dataset, LEFT_OUT)
    return Reading(tuple(_grouped(rows, dataset)), problems)


def listed(file: Path, dataset: str) -> Reading:
    """Every row, whatever its findings are, not grouped yet. Raises as `read`."""
    rows, problems = _rows(file, dataset, frozenset())
    return Reading(tuple(sample for sample, _ in rows), problems)


def root(file: Path) -> Path:
    """The folder that the paths of a table are relative to."""
    try:
        said = json.loads((file.parent / FINDINGS).read_text(encoding="utf-8"))["directory"]
    except (OSError, ValueError, KeyError, TypeError):
        return file.parent
    return file.parent / said if isinstance(said, str) else file.parent


def left_out(path: Path) -> int:
    """How many rows `read` passes over for their findings."""
    file = path / FILE if path.is_dir() else path
    rows = tables.read(file, ("path", "label"), [])
    return sum(not LEFT_OUT.isdisjoint(row.get("findings", "").split(";")) for _, row in rows)


def _rows(
    file: Path, dataset: str, without: frozenset[str]
) -> tuple[list[tuple[Sample, str]], tuple[str, ...]]:
    """Sample and group of each row that is in order and has no finding of `without`; the faults."""
    problems: list[str] = []
    top, seen = root(file), set[str]()
    rows: list[tuple[Sample, str]] = []
    for line, row in tables.read(file, ("path", "label"), problems):
        if without.isdisjoint(row.get("findings", "").split(";")):
            sample, fault = _sample(row, top, dataset, seen)
            if fault:
                problems.append(f"{file.name} line {line}: {fault}")
            else:
                rows.append((sample, row.get("group", "")))
    return rows, tuple(problems)


def _sample(row: tables.Row, top: Path, dataset: str, seen: set[str]) -> tuple[Sample, str]:
    """The sample of a row, and what is wrong with it ("": nothing)."""
    name, label = Path(row["path"]).as_posix(), row["label"].lower()
    masks = tuple(top / mask.strip() for mask in row.get("mask", "").split(";") if mask.strip())
    spacing = _millimetres(row.get("spacing", ""))
    patient = f"{dataset}:{row['patient']}" if row.get("patient") else ""
    fault = ""
    if label not in CLASSES:
        fault = f"label is {row['label']!r}, not one of {', '.join(CLASSES)}"
    elif name in seen:
        fault = f"{name} stands in it twice"
    elif missing := [path for path in (top / name, *masks) if not _is_file(path)]:
        fault = f"no file {missing[0]}"
    elif spacing is not None and not 0 < spacing <= MAX_SPACING_MM:
        fault = f"spacing is {row['spacing']!r}, not mm a pixel"
    seen.add(name)
    sample = Sample(top / name, label, patient, "", dataset, masks, name=name, spacing_mm=spacing)
    return sample, fault


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _millimetres(text: str) -> float | None:
    """None where nothing is said; not-a-number where it isn't a number."""
    try:
        return float(text) if text else None
    except ValueError:
        return math.nan


def _grouped(rows: list[tuple[Sample, str]], dataset: str) -> list[Sample]:
    """With the group that must stay together: patients and groups joined, the rest by likeness."""
    known = [index for index, (sample, group) in enumerate(rows) if sample.patient or group]
    of = joined([rows[index][0].patient for index in known], [rows[index][1] for index in known])
    samples = [sample for sample, _ in rows]
    for index, first in zip(known, of, strict=True):
        group = f"{dataset}:{rows[known[first]][0].key}"
        samples[index] = replace(samples[index], group=group, patient=samples[index].patient or group)
    alone = sorted(set(range(len(rows))) - set(known))
    for index, sample in zip(alone, folder.by_likeness([samples[index] for index in alone]), strict=True):
        samples[index] = sample
    return samples
