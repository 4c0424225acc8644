"""The images of a study: labelled as the paper labels them, with and without the groups that disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ml import data
from ml.data import Sample, fingerprint
from ml.errors import DataError
from ml.training.recipes.paper import Paper

FEWEST = 10
"""Patients or groups of a class below which neither folds nor a test part can be made of it."""


@dataclass(frozen=True, slots=True)
class Material:
    """`published`: every image, as a paper takes them. `agreed`: those whose near copies all carry their
    label. `conflicts`: the groups between. `left_out`: images whose label the paper has no class for."""

    classes: tuple[str, ...]
    published: tuple[Sample, ...]
    agreed: tuple[Sample, ...]
    conflicts: tuple[tuple[Sample, ...], ...]
    left_out: int
    fingerprint: str


def read(paper: Paper, sources: Mapping[str, Path]) -> Material:
    """Read what `--data` names, as the paper's classes.

    Raises:
        DataError: as the readers; or a class has too few patients or groups.
    """
    agreed = data.read_all(sources)
    torn = [sample for name, folder in sources.items() for sample in data.conflicts(name, folder)]
    everything = [*agreed, *torn]
    kept = _labelled(agreed, paper)
    classes = tuple(name for name in paper.classes if any(sample.label == name for sample in kept))
    _require(kept, classes, paper)
    return Material(
        classes=classes,
        published=tuple(_labelled(everything, paper)),
        agreed=tuple(kept),
        conflicts=tuple(
            tuple(sample for sample in torn if sample.group == group)
            for group in sorted({sample.group for sample in torn})
        ),
        left_out=sum(sample.label not in paper.labels for sample in everything),
        fingerprint=fingerprint(everything),
    )


def _labelled(samples: Sequence[Sample], paper: Paper) -> list[Sample]:
    return [replace(s, label=paper.labels[s.label]) for s in samples if s.label in paper.labels]


def _require(samples: Sequence[Sample], classes: tuple[str, ...], paper: Paper) -> None:
    groups = {name: len({s.group for s in samples if s.label == name}) for name in classes}
    few = [f"{name} ({count})" for name, count in groups.items() if count < FEWEST]
    if len(classes) < 2 or "malignant" not in classes or few:
        told = ", ".join(f"{count} of {name}" for name, count in groups.items()) or "none"
        raise DataError(
            f"The data are too few for {paper.name}: patients or groups of near copies: {told}.",
            f"Name data with at least {FEWEST} of malignant and of one more of: {', '.join(paper.classes)}.",
        )
