"""Which of the images to be judged on did the network learn from? Figures on those are not a test."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.card import ModelCard
from ml.data import Sample, fingerprint
from ml.errors import DataError

MANIFEST = "split.csv"
"""Beside the weights: which image was in which part of the training (`ml.data.splits.write_manifest`)."""

UNSEEN_PART = "test"
"""The one part of a split from which nothing was learned: no weight, calibration or operating point."""

UNSEEN = "The network learned from none of these images, their patients or near copies: this is a test."


@dataclass(frozen=True, slots=True)
class Overlap:
    """`seen`: bool (N,), True where the network learned from the image, from another image of its patient,
    or from a near copy. `said`: what a reader of the figures must know of it, one sentence."""

    seen: NDArray[np.bool_]
    said: str


def find(samples: Sequence[Sample], card: ModelCard, directory: Path) -> Overlap:
    """Compare the samples of one data set with what stands beside the weights in `directory`.

    Without a manifest the card's fingerprint decides: the very same data set was seen; of a data set of
    the same name but other images nothing can be told, and none counts as seen.

    Raises:
        DataError: there is a manifest, but it can't be read.
    """
    path = directory / MANIFEST
    if path.is_file():
        seen = _by_manifest(samples, path)
        return Overlap(seen, _sentence(seen))
    return _by_fingerprint(samples, card)


def _by_manifest(samples: Sequence[Sample], path: Path) -> NDArray[np.bool_]:
    learned = [row for row in _manifest(path) if row["part"] != UNSEEN_PART]
    keys, people = {row["key"] for row in learned}, {row["patient"] for row in learned}
    groups = {sample.group for sample in samples if sample.key in keys or sample.patient in people}
    return np.array([sample.group in groups for sample in samples], dtype=np.bool_)


def _manifest(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not {"part", "key", "patient"} <= rows[0].keys():
        raise DataError(
            f"{MANIFEST} beside the weights is not a split manifest.",
            "Take the folder as `python -m ml train` wrote it.",
        )
    return rows


def _by_fingerprint(samples: Sequence[Sample], card: ModelCard) -> Overlap:
    known = card.training.get("data", {}).get(samples[0].dataset)
    none, every = np.zeros(len(samples), dtype=np.bool_), np.ones(len(samples), dtype=np.bool_)
    if known is None:
        return Overlap(none, "The card names no such data set among those that the network learned from.")
    if known.get("fingerprint") == fingerprint(samples):
        return Overlap(every, _sentence(every))
    return Overlap(
        none,
        "UNKNOWN: the network learned from other images of this data set, and no list of them stands beside "
        "the weights. Images that it has seen may be among these.",
    )


def _sentence(seen: NDArray[np.bool_]) -> str:
    if not seen.any():
        return UNSEEN
    return (
        f"NOT A TEST: the network learned from {seen.sum()} of these {len(seen)} images, or from others of "
        "their patients or near copies.\nOn those the figures are too good; the card holds those of "
        "cross-validation."
    )
