"""BUSI as published: a folder a class, `NAME_mask.png` beside an image, sometimes several.

Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief 28 (2020) 104863. It names no
patients and holds near copies, some with different labels; groups of near copies take the patients' place.
They are found by the rule by which the shipped network's split was made (`ml.data.copies`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ml.data import copies, files
from ml.data.samples import CLASSES, Reading, Sample
from ml.errors import DataError


def read(directory: Path) -> Reading:
    """Every image whose group of near copies agrees on the label.

    Groups with two labels are left out (`conflicts` lists them): no label of theirs can be trusted.

    Raises:
        DataError: not the published layout, or images that can't be read.
    """
    samples, conflicting = _grouped(directory)
    return Reading(tuple(sample for sample in samples if sample.group not in conflicting))


def conflicts(directory: Path) -> list[list[Sample]]:
    """The groups of near copies that carry two labels, as lists of their images."""
    samples, conflicting = _grouped(directory)
    return [[sample for sample in samples if sample.group == group] for group in sorted(conflicting)]


def _grouped(directory: Path) -> tuple[list[Sample], set[str]]:
    samples = _files(directory)
    names = copies.group_names([sample.path for sample in samples])
    samples = [
        replace(sample, patient=f"busi:{name}", group=f"busi:{name}")
        for sample, name in zip(samples, names, strict=True)
    ]
    labels: dict[str, set[str]] = {}
    for sample in samples:
        labels.setdefault(sample.group, set()).add(sample.label)
    return samples, {group for group, found in labels.items() if len(found) > 1}


def _files(directory: Path) -> list[Sample]:
    root = directory / "Dataset_BUSI_with_GT"
    root = root if root.is_dir() else directory
    missing = [label for label in CLASSES if not (root / label).is_dir()]
    if missing:
        raise DataError(
            f"BUSI can't be read: no folder {', '.join(missing)}.",
            "Name the folder that holds benign, malignant and normal.",
            tuple(missing),
        )
    masks = files.masks(root)
    return [
        Sample(path, label, "", "", "busi", masks.get(path.with_suffix(""), ()))
        for label in CLASSES
        for path in sorted((root / label).glob("*.png"))
        if "_mask" not in path.stem
    ]
