"""Kappa is that of scikit-learn; intervals are the published ones, hold the figure, know of patients, and say
when there are too few for one. All of it from counts."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from ml.errors import EvaluationError
from ml.evaluation import agreement

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
WEIGHTINGS = {"none": None, "linear": "linear", "quadratic": "quadratic"}


def by_row(first, second, categories: int) -> NDArray[np.float64]:
    """Counts (N, C, C), each row a block of its own."""
    table = np.zeros((len(first), categories, categories))
    table[np.arange(len(first)), np.asarray(first, int), np.asarray(second, int)] = 1
    return table


def into_blocks(table: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    """Row n in block n modulo `blocks`."""
    return np.stack([table[k::blocks].sum(axis=0) for k in range(blocks)])


def spread_out(cells: list[list[int]]) -> NDArray[np.float64]:
    """As many blocks of one row as the cells say, in chance order."""
    table = np.array(cells)
    pairs = np.repeat(np.argwhere(np.ones_like(table)), table.ravel(), axis=0)
    first, second = np.random.default_rng(3).permutation(pairs).T
    return by_row(first, second, len(cells))


def error_of_fleiss(cells: list[list[int]]) -> float:
    """The large-sample standard error of kappa: Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72,
    equation 13, written out cell by cell."""
    n = np.sum(cells)
    p = np.array(cells) / n
    down, across = p.sum(axis=1), p.sum(axis=0)
    same, chance = np.trace(p), down @ across
    found = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            margins = across[i] + down[j]
            part = ((1 - chance) * (i == j) - margins * (1 - same)) ** 2
            found += p[i, j] * part
    found -= (same * chance - 2 * chance + same) ** 2
    return sqrt(found / n) / (1 - chance) ** 2


@given(pairs=PAIRS, weighting=st.sampled_from(sorted(WEIGHTINGS)))
def test_kappa_is_that_of_scikit_learn(pairs, weighting) -> None:
    first, second = np.array(pairs).T
    found = agreement.agreement(by_row(first, second, 5), len(first), weighting)
    if len({*first, *second}) == 1:  # scikit-learn divides by zero here
        assert found is None
        return
    wanted = cohen_kappa_score(first, second, weights=WEIGHTINGS[weighting], labels=range(5))
    assert found.value == pytest.approx(wanted, abs=1e-12)
    assert found.n == len(first)


@given(pairs=PAIRS)
def test_kappa_is_symmetric_at_most_one_and_one_for_equal_answers(pairs) -> None:
    first, second = np.array(pairs).T
    one, other = (agreement.agreement(by_row(a, b, 5), 9) for a, b in ((first, second), (second, first)))
    assert (one is None) == (other is None)
    if one is not None:
        assert one.value == pytest.approx(other.value, abs=1e-12)
        assert one.value <= 1
    same = agreement.agreement(by_row(first, first, 5), 9)
    assert same is None or same.value == 1


@given(pairs=PAIRS)
def test_for_two_categories_every_weighting_is_the_same(pairs) -> None:
    first, second = np.array(pairs).T > 2
    found = [agreement.agreement(by_row(first, second, 2), 9, weighting) for weighting in WEIGHTINGS]
    values = {None if one is None else round(one.value, 12) for one in found}
    assert len(values) == 1


@given(pairs=PAIRS)
def test_an_interval_holds_its_figure(pairs) -> None:
    first, second = np.array(pairs).T
    found = agreement.agreement(by_row(first, second, 5), len(first))
    if found is not None and found.low is not None:
        assert found.low <= found.value <= found.high
    hits = agreement.share(first == second, np.ones(len(first)), len(first))
    assert 0 <= hits.low <= hits.value + 1e-12
    assert hits.value - 1e-12 <= hits.high <= 1


@pytest.mark.parametrize(
    "cells",
    [[[106, 10, 4], [22, 28, 10], [2, 12, 6]], [[40, 9], [6, 45]], [[20, 5, 1], [3, 30, 4], [0, 6, 31]]],
)
def test_of_independent_rows_the_error_of_kappa_is_that_of_fleiss_cohen_and_everitt(cells) -> None:
    table = spread_out(cells)
    found = agreement.agreement(table, len(table))
    assert found.high - found.value == pytest.approx(agreement.Z * error_of_fleiss(cells), rel=0.06)
    assert found.method == "jackknife"


def test_fewer_blocks_cost_little_of_the_interval() -> None:
    table = spread_out([[530, 50, 20], [110, 140, 50], [10, 60, 30]])
    wide = [agreement.agreement(into_blocks(table, blocks), 1000) for blocks in (1000, 100)]
    assert wide[0].value == wide[1].value
    assert wide[1].high - wide[1].low == pytest.approx(wide[0].high - wide[0].low, rel=0.25)


def test_the_interval_of_many_images_of_few_patients_is_wider_than_that_of_as_many_patients() -> None:
    right = (np.random.default_rng(1).random(60) < 0.7).astype(float)
    by_patient = agreement.share(10 * right, np.full(60, 10), 60)
    alone = agreement.share(right, np.ones(60), 60)
    as_if_independent = agreement.wilson(10 * right.sum(), 600)
    assert by_patient.n == 600
    assert (by_patient.low, by_patient.high) == pytest.approx((alone.low, alone.high))
    assert by_patient.high - by_patient.low > 2 * (as_if_independent[1] - as_if_independent[0])


def test_a_share_of_independent_rows_has_wilsons_interval() -> None:
    hits = np.arange(400) % 3 == 0
    found = agreement.share(hits, np.ones(400), 400)
    assert (found.low, found.high) == pytest.approx(agreement.wilson(int(hits.sum()), 400), abs=2e-3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 of 100 times, of shares among patients with three images each that are alike."""
    generator, held = np.random.default_rng(5), 0
    for _ in range(400):
        of_patient = generator.beta(3, 1, size=80)
        found = agreement.share(generator.binomial(3, of_patient), np.full(80, 3), 80)
        held += found.low <= 0.75 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_few_patients_count_as_one_row_each_and_have_no_interval_of_kappa() -> None:
    answers = np.array([0, 1, 1, 0, 1])
    found = agreement.share(4 * answers, np.full(5, 4), 5)
    assert (found.value, found.n, found.patients, found.method) == (0.6, 20, 5, "wilson")
    assert (found.low, found.high) == agreement.wilson(3, 5)
    other = agreement.agreement(by_row(answers, answers, 2), 5)
    assert (other.value, other.low, other.high, other.method) == (1, None, None, "none")


def test_a_share_of_all_is_not_called_certain() -> None:
    found = agreement.share(np.full(40, 3), np.full(40, 3), 40)
    assert (found.value, found.high, found.method) == (1, 1, "wilson")
    assert found.low == pytest.approx(0.9124, abs=1e-4)


@given(scores=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=50))
def test_the_area_is_that_of_scikit_learn_and_of_the_curve(scores) -> None:
    steps, positive = np.array([s for s, _ in scores]), np.array([p for _, p in scores])
    table = np.zeros((len(scores), 6, 2))
    table[np.arange(len(scores)), steps, positive.astype(int)] = 1
    points, found = agreement.roc(table, len(scores))
    if positive.all() or not positive.any():
        assert (points, found) == ((), None)
        return
    assert found.value == pytest.approx(roc_auc_score(positive, steps))
    assert np.trapezoid([y for _, y in points], [x for x, _ in points]) == pytest.approx(found.value)
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    if found.low is not None:
        assert 0 < found.low <= found.value <= found.high < 1


def test_the_error_of_the_area_is_that_of_delong() -> None:
    """DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44: from the placements of each row."""
    generator = np.random.default_rng(2)
    positive = np.arange(300) % 3 == 0
    steps = np.clip(generator.normal(8 + 3 * positive, 3).astype(int), 0, 19)
    placed = [(steps[positive, None] > steps[~positive]) + 0.5 * (steps[positive, None] == steps[~positive])]
    of_positive, of_negative = placed[0].mean(axis=1), placed[0].mean(axis=0)
    error = sqrt(of_positive.var(ddof=1) / 100 + of_negative.var(ddof=1) / 200)
    table = np.zeros((300, 20, 2))
    table[np.arange(300), steps, positive.astype(int)] = 1
    _, found = agreement.roc(table, 300)
    a = found.value
    assert found.high - found.low == pytest.approx(2 * agreement.Z * error, rel=0.05)
    assert a - found.low > found.high - a  # of an area above a half the interval reaches further down


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, rows: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert agreement.wilson(hits, rows) == pytest.approx((low, high), abs=5e-5)


def test_without_rows_there_is_no_figure_and_what_is_no_table_is_refused() -> None:
    assert agreement.share([], [], 0) is None
    assert agreement.agreement(np.zeros((0, 3, 3)), 0) is None
    with pytest.raises(EvaluationError):
        agreement.agreement(np.zeros((3, 3)), 1)
    with pytest.raises(EvaluationError):
        agreement.wilson(3, 2)
