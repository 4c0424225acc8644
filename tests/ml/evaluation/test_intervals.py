from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from ml.errors import EvaluationError
from ml.evaluation import metrics
from ml.evaluation.intervals import interval, resamples
from tests.ml.evaluation.data import answers, both_classes, softmax


@settings(max_examples=40)
@given(both_classes(), st.integers(0, 1000))
def test_the_interval_holds_the_figure_and_stays_in_its_range(rows, seed):
    positive, scores = rows
    found = interval(metrics.brier, np.arange(len(scores)), positive, scores, n_boot=60, seed=seed)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_interval_of_a_share_is_the_binomial_one():
    happened = np.arange(400) < 120
    found = interval(metrics.accuracy, np.arange(400), happened, np.ones(400, bool), n_boot=4000)
    low, high = binom.ppf((0.025, 0.975), 400, 0.3) / 400
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


def test_whole_patients_are_drawn():
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    for weights in resamples(groups, 50):
        assert (weights[:, groups == "a"] == weights[:, :1]).all()
        assert (weights[:, groups == "b"] == weights[:, 1:2]).all()
        drawn = weights[:, [0, 1, 3]]
        assert (drawn.sum(axis=1) == 3).all()


def test_copies_of_an_image_do_not_narrow_the_interval():
    labels, logits, patients = answers(n=80, patients=80)
    scores = softmax(logits)[:, 1]
    once = interval(metrics.auc, patients, labels == 1, scores)
    copied = interval(metrics.auc, np.tile(patients, 9), np.tile(labels == 1, 9), np.tile(scores, 9))
    assert (copied.low, copied.high, copied.n) == pytest.approx((once.low, once.high, once.n))


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    rng = np.random.default_rng(3)
    held = 0
    for trial in range(200):
        drawn = rng.random(150) < 0.7
        found = interval(metrics.accuracy, np.arange(150), drawn, np.ones(150, bool), n_boot=300, seed=trial)
        held += found.low <= 0.7 <= found.high
    assert 180 <= held <= 199


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    labels, logits, patients = answers()
    columns = (metrics.auc, patients, labels == 1, softmax(logits)[:, 1])
    assert interval(*columns, n_boot=200) == interval(*columns, n_boot=200)
    assert interval(*columns, n_boot=200) != interval(*columns, n_boot=200, seed=1)


def test_the_interval_says_what_was_counted():
    labels, logits, patients = answers()
    found = interval(metrics.auc, patients, labels == 1, softmax(logits)[:, 1], unit="group", n_boot=100)
    assert (found.n, found.unit) == (len(set(patients)), "group")


def test_a_figure_that_most_resamples_lack_gets_no_interval():
    positive = np.array([True] + [False] * 30)  # one patient with cancer: in 1/e of the resamples is none
    with pytest.raises(EvaluationError, match=r"AUC has no interval: it needs at least one pos.* of 500"):
        interval(metrics.auc, np.arange(31), positive, np.linspace(0, 1, 31), n_boot=500)


def test_groups_and_columns_of_unequal_length_are_refused():
    with pytest.raises(EvaluationError, match=r"\[2, 3\] rows"):
        interval(metrics.auc, [1, 2], [True, False, True], [0.1, 0.2, 0.3])


def test_two_thousand_resamples_of_fifteen_hundred_images_take_a_moment():
    labels, logits, patients = answers(n=1500, patients=850)
    started = process_time()
    interval(metrics.auc, patients, labels == 1, softmax(logits)[:, 1])
    assert process_time() - started < 3
