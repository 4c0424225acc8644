"""One method on many images: what is measured of each map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.attribution import Map, Method
from ml.evaluation.explanations.likeness import likeness
from ml.evaluation.explanations.randomisation import cascade, steps
from ml.evaluation.explanations.stability import stability
from ml.evaluation.explanations.subject import Look, Subject
from ml.evaluation.pointing import pointing

Floats = NDArray[np.float64]

_PLAIN = 6
"""Maps of an image by the trained network: its own, that of another class, and four of it shifted."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Of one method, a row an image. `patients`: ids (N,). `right`, `hit`, `empty`: bool (N,). All others
    float64 (N,): `inside` and `chance` as in `ml.evaluation.pointing`; `stability` and `swap`, likeness to
    the maps of shifted images and of another class; `randomised`, by stage in the order of the cascade,
    likeness to the map of the altered network; `emptied`, bool, whether the last of those was empty.
    `seconds`: for one map, on average."""

    method: Method
    patients: list[str]
    right: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    empty: NDArray[np.bool_]
    inside: Floats
    chance: Floats
    stability: Floats
    swap: Floats
    randomised: dict[str, Floats]
    emptied: NDArray[np.bool_]
    seconds: float


@dataclass(slots=True)
class _Drawing:
    """Draws maps, each from a seed of its own: what a method draws at random counts as instability."""

    method: Method
    name: str
    seed: int
    told: Callable[[], object]
    drawn: int = 0
    seconds: float = 0.0

    def __call__(self, network: nn.Module, image: Tensor, label: int) -> Map:
        start = perf_counter()
        given = self.method.explain(network, self.name, image, label, self.seed + self.drawn)
        self.seconds += perf_counter() - start
        self.drawn += 1
        self.told()
        return given


def shared(method: Method, images: int) -> int:
    """How many of so many images a method explains."""
    return ceil(method.share * images)


def maps_needed(subject: Subject, method: Method, images: int) -> int:
    """How many maps `measure` draws."""
    return shared(method, images) * (_PLAIN + len(steps(subject.network, subject.card.network)))


def measure(
    subject: Subject, method: Method, looks: Sequence[Look], seed: int, told: Callable[[], object]
) -> Rows:
    """Every measure of the method, over its share of the images. `told` is called after each map."""
    looks = looks[: shared(method, len(looks))]
    network, draw = subject.network, _Drawing(method, subject.card.network, seed, told)
    maps = [draw(network, look.image, look.label) for look in looks]
    swapped = [draw(network, look.image, look.other) for look in looks]
    randomised, emptied = _randomised(subject, looks, maps, draw, seed)
    found = [pointing(given, look.lesion) for given, look in zip(maps, looks, strict=True)]
    return Rows(
        method=method,
        patients=[look.sample.patient for look in looks],
        right=np.array([look.right for look in looks]),
        hit=np.array([each.hit for each in found]),
        empty=np.array([not given.any() for given in maps]),
        inside=np.array([each.inside for each in found]),
        chance=np.array([each.chance for each in found]),
        stability=np.array([_stability(draw, network, *pair) for pair in zip(looks, maps, strict=True)]),
        swap=_alike(maps, swapped),
        randomised=randomised,
        emptied=emptied,
        seconds=draw.seconds / draw.drawn,
    )


def _stability(draw: _Drawing, network: nn.Module, look: Look, given: Map) -> float:
    return stability(lambda image: draw(network, image, look.label), look.image, given)


def _randomised(
    subject: Subject, looks: Sequence[Look], maps: Sequence[Map], draw: _Drawing, seed: int
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    found: dict[str, Floats] = {}
    after: list[Map] = []
    for stage, altered in cascade(subject.network, subject.card.network, seed):
        after = [draw(altered, look.image, look.label) for look in looks]
        found[stage] = _alike(maps, after)
    return found, np.array([not given.any() for given in after])


def _alike(first: Sequence[Map], second: Sequence[Map]) -> Floats:
    return np.array([likeness(a, b) for a, b in zip(first, second, strict=True)])
