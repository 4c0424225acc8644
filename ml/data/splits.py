"""Splits that can't leak: by patient, by group of near copies, and checked again after they are made."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ml.data.samples import Sample
from ml.errors import DataError, LeakError

Parts = Mapping[str, Sequence[Sample]]


def assign_folds(samples: Sequence[Sample], folds: int, seed: int = 0) -> list[int]:
    """A fold 1..`folds` for each sample.

    Samples that bring an official fold keep it (those of a fold beyond `folds` are an error); the
    others are spread by group, stratified by label, data set by data set.
    """
    assigned = [sample.fold or 0 for sample in samples]
    if max(assigned, default=0) > folds:
        raise DataError(
            f"The data bring official fold {max(assigned)}, but {folds} folds were asked for.",
            f"Ask for {max(assigned)} folds.",
        )
    for dataset in sorted({sample.dataset for sample in samples}):
        rows = [i for i, sample in enumerate(samples) if sample.dataset == dataset and sample.fold is None]
        if rows:
            _spread(samples, rows, assigned, folds, seed)
    assert_no_leak(
        {str(fold): [s for s, f in zip(samples, assigned, strict=True) if f == fold] for fold in assigned}
    )
    return assigned


def _spread(samples: Sequence[Sample], rows: list[int], assigned: list[int], folds: int, seed: int) -> None:
    labels = [samples[i].label for i in rows]
    groups = [samples[i].group for i in rows]
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(rows)), labels, groups), start=1):
        for index in held_out:
            assigned[rows[int(index)]] = fold


def hold_out(samples: Sequence[Sample], share: float, seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """(kept, held out): about `share` of the groups of each label held out, official folds ignored."""
    parts = max(2, round(1 / share))
    rows = list(range(len(samples)))
    assigned = [0] * len(samples)
    _spread(samples, rows, assigned, parts, seed)
    kept = [sample for sample, fold in zip(samples, assigned, strict=True) if fold != 1]
    held = [sample for sample, fold in zip(samples, assigned, strict=True) if fold == 1]
    assert_no_leak({"kept": kept, "held out": held})
    return kept, held


def assert_no_leak(parts: Parts) -> None:
    """Every patient and every group of near copies stands in one part only.

    Raises:
        LeakError: names the first few that don't.
    """
    seen: dict[str, str] = {}
    leaks: list[str] = []
    for part, samples in parts.items():
        for identity in sorted({s.patient for s in samples} | {s.group for s in samples}):
            if seen.setdefault(identity, part) != part:
                leaks.append(f"{identity} is in {seen[identity]} and in {part}")
    if leaks:
        raise LeakError(
            f"The split leaks: {len(leaks)} patients or groups stand in two parts. {leaks[0]}.",
            "Split by patient and by group of near copies.",
            tuple(leaks),
        )


def write_manifest(parts: Parts, path: Path) -> None:
    """CSV: part, key, label, patient, group; sorted, so that two equal splits give equal files."""
    rows = sorted(
        (part, s.key, s.label, s.patient, s.group) for part, samples in parts.items() for s in samples
    )
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("part", "key", "label", "patient", "group"))
        writer.writerows(rows)
    partial.replace(path)
