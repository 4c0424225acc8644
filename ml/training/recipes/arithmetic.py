"""What a paper's numbers say of each other. Percent in, percent out, as tables print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor

MEBIBYTE = 2**20
FLOAT32 = 4
"""Bytes."""


def f1(precision: float, recall: float) -> float:
    """The harmonic mean: it lies between the two."""
    return 2 * precision * recall / (precision + recall)


def mean_partner(mean: float, one: float) -> float:
    """The other of two values whose mean is given: what a macro average says of the second class."""
    return 2 * mean - one


def weighted(values: Sequence[float], counts: Sequence[int]) -> float:
    """Mean weighted by counts; of recalls it is the accuracy."""
    return sum(value * count for value, count in zip(values, counts, strict=True)) / sum(counts)


def accuracy(right: int, images: int) -> float:
    return 100 * right / images


def size_mib(parameters: int) -> float:
    """Weights in float32."""
    return parameters * FLOAT32 / MEBIBYTE


def frames_per_second(milliseconds: float) -> float:
    return 1000 / milliseconds


def possible_tests(accuracies: Iterable[float], up_to: int, decimals: int = 2) -> tuple[int, ...]:
    """Every number of test images, 1..`up_to`, of which each accuracy is a fraction, rounded as printed."""
    given = tuple(accuracies)
    return tuple(n for n in range(1, up_to + 1) if all(_fits(value, n, decimals) for value in given))


def _fits(percent: float, images: int, decimals: int) -> bool:
    least = floor(percent * images / 100)
    return any(
        abs(accuracy(right, images) - percent) <= 0.5 * 10**-decimals + 1e-9 for right in (least, least + 1)
    )
