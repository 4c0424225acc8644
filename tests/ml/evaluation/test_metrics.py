import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as reference

from ml.errors import EvaluationError
from ml.evaluation import metrics
from tests.ml.evaluation.data import answers, both_classes, softmax

SEEDS = pytest.mark.parametrize("seed", range(5))


@SEEDS
@pytest.mark.parametrize("levels", [3, 10, 10**9])
def test_auc_is_that_of_scikit_learn_and_of_the_u_test_with_and_without_ties(seed, levels):
    rng = np.random.default_rng(seed)
    positive, scores = rng.random(200) < 0.3, rng.integers(0, levels, 200) / levels
    u = mannwhitneyu(scores[positive], scores[~positive]).statistic
    ours = metrics.auc(positive, scores)
    assert ours == pytest.approx(reference.roc_auc_score(positive, scores), abs=1e-12)
    assert ours == pytest.approx(u / positive.sum() / (~positive).sum(), abs=1e-12)


@SEEDS
def test_auc_under_weights_is_the_auc_of_the_repeated_rows(seed):
    rng = np.random.default_rng(seed)
    positive, scores = rng.random(60) < 0.4, rng.integers(0, 9, 60) / 9
    times = rng.integers(0, 4, (7, 60))
    expected = [reference.roc_auc_score(np.repeat(positive, t), np.repeat(scores, t)) for t in times]
    np.testing.assert_allclose(metrics.auc.resampled(times.astype(float), positive, scores), expected)


@SEEDS
def test_call_figures_are_those_of_scikit_learn(seed):
    labels, logits, _ = answers(seed)
    positive, called = labels == 1, softmax(logits)[:, 1] >= 0.4
    assert metrics.sensitivity(positive, called) == pytest.approx(reference.recall_score(positive, called))
    assert metrics.specificity(positive, called) == pytest.approx(reference.recall_score(~positive, ~called))
    assert metrics.ppv(positive, called) == pytest.approx(reference.precision_score(positive, called))
    assert metrics.npv(positive, called) == pytest.approx(reference.precision_score(~positive, ~called))
    assert metrics.accuracy(positive, called) == pytest.approx(reference.accuracy_score(positive, called))
    assert metrics.f1(positive, called) == pytest.approx(reference.f1_score(positive, called))


@SEEDS
def test_class_figures_are_those_of_scikit_learn(seed):
    labels, logits, _ = answers(seed)
    p = softmax(logits)
    said = p.argmax(axis=1)
    one_hot = np.eye(3)[labels]
    assert metrics.accuracy(labels, said) == pytest.approx(reference.accuracy_score(labels, said))
    assert metrics.macro_f1(labels, said) == pytest.approx(reference.f1_score(labels, said, average="macro"))
    assert metrics.class_brier(labels, p) == pytest.approx(((p - one_hot) ** 2).sum(axis=1).mean())
    happened, chance = labels == 1, p[:, 1]
    assert metrics.brier(happened, chance) == pytest.approx(reference.brier_score_loss(happened, chance))
    np.testing.assert_array_equal(
        metrics.confusion(labels, said, 3), reference.confusion_matrix(labels, said, labels=range(3))
    )


def test_a_cell_of_the_confusion_matrix_is_its_share_of_the_row():
    labels, answered = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 1, 0])
    assert metrics.confusion_share(0, 1)(labels, answered) == pytest.approx(2 / 3)
    assert metrics.confusion_share(2, 2)(labels, answered) == 0


@SEEDS
def test_the_roc_curve_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    positive, scores = rng.random(150) < 0.4, rng.integers(0, 20, 150) / 20
    expected = reference.roc_curve(positive, scores, drop_intermediate=False)
    for ours, theirs in zip(metrics.roc(positive, scores), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


@given(both_classes())
def test_auc_does_not_change_under_a_rising_map(rows):
    positive, scores = rows
    assert metrics.auc(positive, np.exp(3 * scores) - 7) == pytest.approx(metrics.auc(positive, scores))


@given(both_classes())
def test_auc_of_the_other_class_is_one_less_auc(rows):
    positive, scores = rows
    assert metrics.auc(~positive, scores) == pytest.approx(1 - metrics.auc(positive, scores))


@given(both_classes())
def test_auc_is_the_area_under_the_roc_curve(rows):
    alarms, hits, _ = metrics.roc(*rows)
    assert np.trapezoid(hits, alarms) == pytest.approx(metrics.auc(*rows))


@given(both_classes())
def test_ece_and_brier_are_between_0_and_1(rows):
    assert 0 <= metrics.ece(*rows) <= 1
    assert 0 <= metrics.brier(*rows) <= 1


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_ece_of_a_prophet_is_0(happened):
    assert metrics.ece(happened, np.array(happened, dtype=float)) == 0


def test_ece_follows_equation_3_of_guo_2017():
    happened = np.array([1, 0, 0, 1, 1, 1], dtype=bool)
    said = np.array([0.10, 0.12, 0.13, 0.80, 0.82, 0.81])
    bins = {1: [0, 1, 2], 11: [3], 12: [5, 4]}  # (k/15, (k+1)/15]: 0.8 closes bin 11
    gaps = [abs(said[rows].sum() - happened[rows].sum()) for rows in bins.values()]
    assert metrics.ece(happened, said) == pytest.approx(sum(gaps) / 6)


def test_ece_of_the_top_label_judges_the_most_probable_class():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    assert metrics.top_label_ece([0, 1], p) == pytest.approx((0.3 + 0.6) / 2)


@given(both_classes(), st.floats(0.01, 1))
def test_the_operating_point_is_the_largest_threshold_that_reaches_the_sensitivity(rows, wanted):
    positive, scores = rows
    threshold = metrics.operating_point(positive, scores, wanted)
    assert metrics.sensitivity(positive, scores >= threshold) >= wanted
    higher = np.unique(scores[scores > threshold])
    assert all(metrics.sensitivity(positive, scores >= value) < wanted for value in higher)


def test_a_sensitivity_that_is_met_exactly_needs_no_further_positive():
    scores = np.linspace(0, 1, 100)
    assert metrics.operating_point(np.ones(100, bool), scores, 0.93) == scores[7]


@pytest.mark.parametrize(
    ("figure", "columns", "which"),
    [
        (metrics.auc, ([1, 1], [0.2, 0.3]), "AUC is undefined: it needs at least one positive and one neg"),
        (metrics.sensitivity, ([0, 0], [1, 0]), "Sensitivity is undefined"),
        (metrics.specificity, ([1, 1], [1, 0]), "Specificity is undefined"),
        (metrics.ppv, ([1, 0], [0, 0]), "PPV is undefined"),
        (metrics.npv, ([1, 0], [1, 1]), "NPV is undefined"),
        (metrics.f1, ([0, 0], [0, 0]), "F1 is undefined"),
        (metrics.confusion_share(2, 0), ([0, 1], [0, 0]), "needs a row of class 2"),
        (metrics.auc, ([], []), "there are no rows"),
        (metrics.auc, ([1, 0], [0.1, 0.2, 0.3]), r"columns have \[2, 3\] rows"),
        (metrics.auc, ([1, 0], [0.1, np.nan]), "AUC can't be counted: a value is not finite"),
        (metrics.auc, ([2, 0], [0.1, 0.2]), "yes and no holds other values"),
        (metrics.ece, ([1, 0], [0.1, 1.2]), "A probability is outside 0..1"),
        (metrics.brier, ([1, 0], [-0.1, 1.0]), "A probability is outside 0..1"),
        (metrics.roc, ([1, 1], [0.1, 0.2]), "AUC is undefined"),
    ],
)
def test_an_impossible_figure_is_a_named_error_that_says_which(figure, columns, which):
    with pytest.raises(EvaluationError, match=which):
        figure(*columns)


@pytest.mark.parametrize("wanted", [0, -0.1, 1.01, float("nan")])
def test_a_sensitivity_that_is_no_share_is_refused(wanted):
    with pytest.raises(EvaluationError, match="No threshold has sensitivity"):
        metrics.operating_point([1, 0], [0.5, 0.1], wanted)


def test_an_operating_point_needs_a_positive():
    with pytest.raises(EvaluationError, match="at least one positive"):
        metrics.operating_point([0, 0], [0.5, 0.1], 0.9)


def test_a_class_index_beyond_the_matrix_is_refused():
    with pytest.raises(EvaluationError, match=r"not 0\.\.2"):
        metrics.confusion([0, 1, 3], [0, 1, 2], 3)
