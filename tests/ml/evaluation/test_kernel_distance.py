from __future__ import annotations

import numpy as np
import pytest

from ml.errors import EvaluationError
from ml.evaluation.kernel_distance import discrepancy, kernel_distance


def features(shift=0.0, n=60, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 8)) + shift


def test_the_discrepancy_is_the_published_sum_over_pairs():
    x, y = features(n=5), features(n=4, seed=1)

    def kernel(a, b):
        return (a @ b / 8 + 1) ** 3

    within_x = np.mean([kernel(x[i], x[j]) for i in range(5) for j in range(5) if i != j])
    within_y = np.mean([kernel(y[i], y[j]) for i in range(4) for j in range(4) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert discrepancy(x, y) == pytest.approx(within_x + within_y - 2 * across)


def test_one_distribution_is_at_no_distance_and_another_at_more_the_farther_it_lies():
    same = kernel_distance(features(), features(seed=1))
    near, far = (kernel_distance(features(), features(shift, seed=1)) for shift in (0.5, 1.0))
    assert abs(same.mean) < 0.1
    assert same.mean < near.mean < far.mean
    assert near.deviation > 0


def test_the_estimate_has_no_bias():
    values = [discrepancy(features(n=6, seed=s), features(n=6, seed=s + 500)) for s in range(500)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(500)


def test_equal_input_gives_equal_figures():
    assert kernel_distance(features(), features(seed=1)) == kernel_distance(features(), features(seed=1))


@pytest.mark.parametrize("other", [np.zeros((3, 8)), np.zeros((9, 7))], ids=["few", "of another width"])
def test_features_that_cannot_be_compared_are_an_error(other):
    with pytest.raises(EvaluationError, match="kernel distance"):
        kernel_distance(features(), other)
