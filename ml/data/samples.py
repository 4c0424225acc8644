"""One labelled image of a published data set, as every reader gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CLASSES = ("benign", "malignant", "normal")


@dataclass(frozen=True, slots=True)
class Sample:
    """An image with what a split must know of it.

    `patient`: id that is unique over all data sets; where the data set names no patients, its group.
    `group`: everything that must stay on one side of a split (patient, or group of near copies).
    `masks`: lesion masks of the same size, white inside; several where several lesions were drawn.
    `fold`: the data set's own fold number, or None.
    `crop`: (x0, y0, x1, y1) in pixels where only a part of the image is meant, else None.
    `birads`: the reader's BI-RADS assessment category, 2..5, where the data set has one.
    `name`: what names the image within its data set where folder and file name don't.
    `spacing_mm`: side of a pixel in mm where the data set says it.
    """

    path: Path
    label: str
    patient: str
    group: str
    dataset: str
    masks: tuple[Path, ...] = ()
    fold: int | None = None
    crop: tuple[int, int, int, int] | None = None
    birads: int | None = None
    name: str = ""
    spacing_mm: float | None = None

    @property
    def key(self) -> str:
        """Name of the image without the folder it happens to lie in: stable across machines."""
        return f"{self.dataset}/{self.name or f'{self.path.parent.name}/{self.path.name}'}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found: the images that are in order, and every fault of the others with line or path."""

    samples: tuple[Sample, ...]
    problems: tuple[str, ...] = ()


def category(text: str) -> int | None:
    """BI-RADS "2", "4a", "4C" or "5" -> 2..5; anything else (0, 1, 6, nothing) -> None."""
    return int(text.strip()[0]) if text.strip()[:1] in tuple("2345") else None


def fingerprint(samples: Iterable[Sample]) -> str:
    """SHA-256 over names, labels and bytes of the images, independent of their order and folder."""
    lines = sorted(
        f"{sample.key} {sample.label} {hashlib.sha256(sample.path.read_bytes()).hexdigest()}"
        for sample in samples
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
