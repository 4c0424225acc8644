"""What was measured of a method, as figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml.card import Interval
from ml.evaluation.explanations.randomisation import SURVIVES
from ml.evaluation.explanations.rows import Rows
from ml.evaluation.intervals import interval
from ml.evaluation.statistic import Array, ratio, statistic

Calls = Literal["all", "right", "wrong"]
Verdict = Literal["WORTHLESS", "says nothing", "passes"]

_EMPTY = 0.5


@statistic("Mean", "a row")
def mean(weights: Array, values: NDArray[Any]) -> Array:
    """Mean of a column; of one that is bool, the share of True."""
    return ratio(weights @ values.astype(np.float64), weights.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Pointed:
    """Where the maps of some calls point: `hit`, `inside` and `chance` of `ml.evaluation.pointing`, means
    over images; None where there is no such call."""

    images: int
    hit: Interval | None
    inside: Interval | None
    chance: Interval | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one method. `randomised`: likeness by stage, in the order of the cascade. `empty`, `emptied`: share
    of maps without any evidence, of the trained network and with all weights random. `verdict`: WORTHLESS
    where the maps survive random weights; "says nothing" where more than half of either are empty, since such
    maps are unlike any other for no merit. `seconds`: for one map, on average."""

    method: str
    images: int
    patients: int
    pointing: Mapping[Calls, Pointed]
    stability: Interval
    randomised: Mapping[str, Interval]
    swap: Interval
    empty: float
    emptied: float
    verdict: Verdict
    seconds: float


def judge(rows: Rows, unit: str) -> Judged:
    """All figures of one method, each with its 95% interval by resampling `unit`s."""
    every = np.ones(len(rows.right), dtype=np.bool_)
    chosen: dict[Calls, NDArray[np.bool_]] = {"all": every, "right": rows.right, "wrong": ~rows.right}
    patients = np.array(rows.patients)
    randomised = {
        stage: interval(mean, patients, values, unit=unit) for stage, values in rows.randomised.items()
    }
    empty, emptied = float(rows.empty.mean()), float(rows.emptied.mean())
    return Judged(
        method=rows.method.name,
        images=len(every),
        patients=len(set(rows.patients)),
        pointing={calls: _pointed(rows, which, patients, unit) for calls, which in chosen.items()},
        stability=interval(mean, patients, rows.stability, unit=unit),
        randomised=randomised,
        swap=interval(mean, patients, rows.swap, unit=unit),
        empty=empty,
        emptied=emptied,
        verdict=_verdict([found.value for found in randomised.values()][-1], empty, emptied),
        seconds=rows.seconds,
    )


def _verdict(left: float, empty: float, emptied: float) -> Verdict:
    """`left`: likeness to the maps of the trained network when all weights are random."""
    if left > SURVIVES:
        return "WORTHLESS"
    return "says nothing" if max(empty, emptied) > _EMPTY else "passes"


def _pointed(rows: Rows, chosen: NDArray[np.bool_], patients: NDArray[Any], unit: str) -> Pointed:
    if not chosen.any():
        return Pointed(0, None, None, None)
    hit, inside, chance = (
        interval(mean, patients[chosen], column[chosen], unit=unit)
        for column in (rows.hit, rows.inside, rows.chance)
    )
    return Pointed(int(chosen.sum()), hit, inside, chance)
