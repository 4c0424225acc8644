"""Any tree with a folder a class: `benign`, `malignant`, `normal`, in upper or lower case, at its top.

Images lie in them at any depth; a mask lies beside its image, named as in BUSI (`NAME_mask.png`). The tree
names no patients, so groups of near copies take their place, and groups with two labels are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ml import imaging
from ml.data import files, likeness
from ml.data.samples import CLASSES, Reading, Sample
from ml.errors import DataError, ImageError
from ml.types import Gray


def read(directory: Path, dataset: str = "folder") -> Reading:
    """Every image whose group of near copies agrees on the label. An image that can't be read is a fault.

    Raises:
        DataError: no folder of a class.
    """
    reading = _listed(directory, dataset)
    samples = by_likeness(reading.samples)
    torn = {sample.group for sample in conflicting(samples)}
    return replace(reading, samples=tuple(sample for sample in samples if sample.group not in torn))


def left_out(directory: Path, dataset: str = "folder") -> int:
    """How many images `read` leaves out because near copies of them carry another label."""
    return len(conflicts(directory, dataset))


def conflicts(directory: Path, dataset: str = "folder") -> list[Sample]:
    """The images that `read` leaves out."""
    return conflicting(by_likeness(_listed(directory, dataset).samples))


def by_likeness(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with groups of near copies in the place of patients; unreadable images stay alone."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        numbers = likeness.grouped(list(pool.map(_descriptor, samples)))
    groups = [samples[number].key for number in numbers]
    return [
        replace(sample, patient=group, group=group) for sample, group in zip(samples, groups, strict=True)
    ]


def conflicting(samples: Sequence[Sample]) -> list[Sample]:
    """The samples in whose group there are two labels."""
    labels: dict[str, set[str]] = {}
    for sample in samples:
        labels.setdefault(sample.group, set()).add(sample.label)
    return [sample for sample in samples if len(labels[sample.group]) > 1]


def _listed(directory: Path, dataset: str) -> Reading:
    tops = sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not any(path.name.lower() in CLASSES for path in tops):
        raise DataError(
            f"{dataset} can't be read: no folder {', '.join(CLASSES)}.", "Name the folder that holds those."
        )
    problems = tuple(
        f"{path.name}/: no class; only {', '.join(CLASSES)} are"
        for path in tops
        if path.name.lower() not in CLASSES and any(files.images(path))
    )
    masks = files.masks(directory)
    samples = tuple(
        Sample(
            path,
            top.name.lower(),
            "",
            "",
            dataset,
            masks.get(path.with_suffix(""), ()),
            name=path.relative_to(directory).as_posix(),
        )
        for top in tops
        if top.name.lower() in CLASSES
        for path in files.images(top)
    )
    return Reading(samples, problems)


def _descriptor(sample: Sample) -> Gray:
    try:
        return likeness.descriptor(imaging.decode(sample.path.read_bytes()).pixels)
    except (ImageError, OSError):  # told by whoever checks the samples
        return likeness.BLANK
