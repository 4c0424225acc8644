"""Kappa is that of scikit-learn; intervals hold the figure, and say when there are too few rows for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ml.errors import EvaluationError
from ml.evaluation import agreement

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
WEIGHTINGS = {"none": None, "linear": "linear", "quadratic": "quadratic"}


@given(pairs=PAIRS, weighting=st.sampled_from(sorted(WEIGHTINGS)))
def test_kappa_is_that_of_scikit_learn(pairs, weighting) -> None:
    first, second = np.array(pairs).T
    found = agreement.agreement(first, second, np.arange(len(first)), 5, weighting)
    if len({*first, *second}) == 1:  # scikit-learn divides by zero here
        assert found is None
        return
    wanted = cohen_kappa_score(first, second, weights=WEIGHTINGS[weighting], labels=range(5))
    assert found.value == pytest.approx(wanted, abs=1e-12)


@given(pairs=PAIRS)
def test_kappa_is_symmetric_at_most_one_and_one_for_equal_answers(pairs) -> None:
    first, second = np.array(pairs).T
    groups = np.arange(len(first))
    one, other = (agreement.agreement(a, b, groups, 5) for a, b in ((first, second), (second, first)))
    assert (one is None) == (other is None)
    if one is not None:
        assert one.value == pytest.approx(other.value, abs=1e-12)
        assert one.value <= 1
    same = agreement.agreement(first, first, groups, 5)
    assert same is None or same.value == 1


@given(pairs=PAIRS)
def test_for_two_categories_every_weighting_is_the_same(pairs) -> None:
    first, second = np.array(pairs).T > 2
    groups = np.arange(len(first))
    found = [agreement.agreement(first, second, groups, 2, weighting) for weighting in WEIGHTINGS]
    values = {None if one is None else round(one.value, 12) for one in found}
    assert len(values) == 1


@given(pairs=PAIRS)
def test_an_interval_holds_its_figure(pairs) -> None:
    first, second = np.array(pairs).T
    found = agreement.agreement(first, second, np.arange(len(first)), 5)
    if found is not None and found.low is not None:
        assert found.low <= found.value <= found.high
    hits = agreement.share(first == second, np.arange(len(first)))
    assert 0 <= hits.low <= hits.value + 1e-12
    assert hits.value - 1e-12 <= hits.high <= 1


def test_the_interval_of_many_images_of_few_patients_is_wider_than_that_of_as_many_patients() -> None:
    generator = np.random.default_rng(1)
    right = np.repeat(generator.random(30) < 0.7, 10)
    by_patient = agreement.share(right, np.repeat(np.arange(30), 10))
    by_image = agreement.share(right, np.arange(300))
    assert by_patient.method == by_image.method == "bootstrap"
    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_few_patients_get_wilson_for_a_share_and_nothing_for_kappa() -> None:
    answers = np.array([0, 1, 1, 0, 1])
    found = agreement.share(answers == 1, np.arange(5))
    assert (found.method, found.n) == ("wilson", 5)
    other = agreement.agreement(answers, answers, np.arange(5), 2)
    assert (other.value, other.low, other.high, other.method) == (1, None, None, "none")


def test_a_share_of_all_is_not_called_certain() -> None:
    found = agreement.share(np.ones(40), np.arange(40))
    assert (found.value, found.high, found.method) == (1, 1, "wilson")
    assert found.low == pytest.approx(0.9124, abs=1e-4)


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, rows: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert agreement.wilson(hits, rows) == pytest.approx((low, high), abs=5e-5)


def test_without_rows_there_is_no_figure_and_a_wrong_number_is_refused() -> None:
    assert agreement.share([], []) is None
    assert agreement.agreement([], [], [], 3) is None
    with pytest.raises(EvaluationError):
        agreement.agreement([0, 3], [0, 1], [1, 2], 3)
    with pytest.raises(EvaluationError):
        agreement.wilson(3, 2)
