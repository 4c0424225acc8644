"""The whole test: networks, data sets and methods, one table each pair of the first two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from ml.attribution import Method
from ml.data import Sample
from ml.evaluation.explanations.figures import Judged, judge
from ml.evaluation.explanations.rows import maps_needed, measure
from ml.evaluation.explanations.subject import Look, Subject, eligible, looks
from ml.evaluation.report import UNITS


@dataclass(frozen=True, slots=True)
class Part:
    """One network on one data set. `overlap`: whether it is a test at all, in a sentence. `drawn` of
    `eligible` images were looked at, `right` of them called rightly."""

    subject: Subject
    data: str
    overlap: str
    unit: str
    drawn: int
    eligible: int
    right: int
    judged: tuple[Judged, ...]


def run(
    subjects: Sequence[Subject],
    samples: Mapping[str, Sequence[Sample]],
    methods: Sequence[Method],
    images: int,
    seed: int,
) -> list[Part]:
    """Judge every network on every data set, by name. A progress bar goes to standard error where that is a
    terminal.

    Raises:
        DataError: see `eligible` and `looks`; for any of the networks, before the first map is drawn.
    """
    plans = [
        _plan(subject, name, given, images, seed) for subject in subjects for name, given in samples.items()
    ]
    total = sum(
        maps_needed(plan.subject, method, len(plan.looks))
        for plan in plans
        for method in _fitting(methods, plan.subject)
    )
    with tqdm(total=total, unit="map", disable=None) as bar:
        return [_part(plan, methods, seed, bar.update) for plan in plans]


def _fitting(methods: Sequence[Method], subject: Subject) -> list[Method]:
    return [method for method in methods if method.fits(subject.network)]


@dataclass(frozen=True, slots=True)
class _Plan:
    subject: Subject
    data: str
    overlap: str
    eligible: int
    looks: list[Look]


def _plan(subject: Subject, name: str, given: Sequence[Sample], images: int, seed: int) -> _Plan:
    chosen, said = eligible(subject, given)
    return _Plan(subject, name, said, len(chosen), list(looks(subject, chosen, images, seed)))


def _part(plan: _Plan, methods: Sequence[Method], seed: int, told: Callable[[], object]) -> Part:
    unit = UNITS.get(plan.data, "patient")
    return Part(
        subject=plan.subject,
        data=plan.data,
        overlap=plan.overlap,
        unit=unit,
        drawn=len(plan.looks),
        eligible=plan.eligible,
        right=sum(look.right for look in plan.looks),
        judged=tuple(
            judge(measure(plan.subject, method, plan.looks, seed, told), unit)
            for method in _fitting(methods, plan.subject)
        ),
    )
