import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.linear_model import LogisticRegression

from ml.errors import EvaluationError
from ml.evaluation import calibration, metrics
from tests.ml.evaluation.data import answers, logits_and_labels, softmax

METHODS = pytest.mark.parametrize("method", ["none", "temperature", "bias_corrected_temperature"])


@settings(max_examples=30)
@given(logits_and_labels())
def test_calibration_never_raises_the_log_loss_and_a_bias_never_raises_it_further(rows):
    logits, labels = rows
    losses = [
        calibration.nll(logits, labels, calibration.fit(logits, labels, method))
        for method in ("none", "temperature", "bias_corrected_temperature")
    ]
    assert losses[1] <= losses[0] + 1e-9
    assert losses[2] <= losses[1] + 1e-6


@pytest.mark.parametrize("sharp", [0.4, 1.0, 5.0])
def test_the_temperature_undoes_logits_that_are_too_sharp_or_too_flat(sharp):
    labels, logits, _ = answers(n=4000, sharp=1.3)  # 1.3: what makes these logits' softmax the truth
    fitted = calibration.fit(sharp * logits, labels, "temperature")
    plain = calibration.fit(logits, labels, "temperature")
    assert fitted.temperature == pytest.approx(sharp * plain.temperature, rel=1e-3)
    assert metrics.top_label_ece(labels, calibration.apply(sharp * logits, fitted)) < 0.04


def test_the_bias_learns_that_classes_are_rarer_than_the_network_thinks():
    labels, logits, _ = answers(n=6000)
    keep = (labels != 1) | (np.arange(6000) % 4 == 0)
    before = calibration.fit(logits[keep], labels[keep], "temperature")
    after = calibration.fit(logits[keep], labels[keep], "bias_corrected_temperature")
    share = (labels[keep] == 1).mean()
    said = [calibration.apply(logits[keep], fitted)[:, 1].mean() for fitted in (before, after)]
    assert after.bias[1] == min(after.bias)
    assert said[1] == pytest.approx(share, abs=1e-4)
    assert abs(said[0] - share) > 0.02


def test_two_classes_with_a_bias_are_platt_scaling():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 2))
    labels = (logits[:, 1] - logits[:, 0] + rng.logistic(size=500) > 0.7).astype(int)
    margin = (logits[:, 1] - logits[:, 0])[:, None]
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(margin, labels).predict_proba(margin)
    fitted = calibration.fit(logits, labels, "bias_corrected_temperature")
    np.testing.assert_allclose(calibration.apply(logits, fitted), expected, atol=1e-4)


@METHODS
def test_a_weight_of_three_is_the_row_three_times(method):
    labels, logits, _ = answers(n=300)
    weights = np.where(np.arange(300) % 2, 3, 1)
    weighted = calibration.fit(logits, labels, method, weights=weights)
    repeated = calibration.fit(np.repeat(logits, weights, axis=0), np.repeat(labels, weights), method)
    assert weighted.temperature == pytest.approx(repeated.temperature, rel=1e-4)
    np.testing.assert_allclose(weighted.bias, repeated.bias, atol=1e-4)


@pytest.mark.parametrize("weights", [[1.0], [1, 1, 0], [1, 1, np.nan], [1, 1, -1]])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(EvaluationError, match="positive weight"):
        calibration.fit(np.eye(3), [0, 1, 2], "temperature", weights=weights)


@METHODS
def test_probabilities_are_a_softmax_with_rows_that_sum_to_one(method):
    labels, logits, _ = answers()
    fitted = calibration.fit(logits, labels, method, "these rows")
    p = calibration.apply(logits, fitted)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(p, softmax(logits / fitted.temperature + np.array(fitted.bias)))
    assert (fitted.method, fitted.fitted_on) == (method, "these rows")


@METHODS
def test_the_same_rows_give_the_same_calibration(method):
    labels, logits, _ = answers()
    assert calibration.fit(logits, labels, method) == calibration.fit(logits, labels, method)


def test_no_calibration_leaves_the_softmax_alone():
    labels, logits, _ = answers()
    np.testing.assert_allclose(
        calibration.apply(logits, calibration.fit(logits, labels, "none")), softmax(logits)
    )


def test_separable_logits_get_a_bounded_temperature():
    labels = np.arange(60) % 3
    fitted = calibration.fit(np.eye(3)[labels], labels, "temperature")
    assert 1 / calibration.SHARPEST <= fitted.temperature < 0.1
    assert calibration.apply(np.eye(3), fitted).max() <= 1


def test_logits_that_know_nothing_are_flattened():
    rng = np.random.default_rng(1)
    logits, labels = 30 * rng.normal(size=(900, 3)), np.arange(900) % 3
    p = calibration.apply(logits, calibration.fit(logits, labels, "temperature"))
    assert p.max() < 0.8


@pytest.mark.parametrize(
    ("logits", "labels", "which"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "can't be calibrated"),
        (np.zeros((4, 3)), np.zeros(5, int), "can't be calibrated"),
        (np.zeros(4), np.zeros(4, int), "can't be calibrated"),
        (np.full((2, 3), np.nan), [0, 1], "not finite"),
        (np.zeros((2, 3)), [0, 3], r"class index 0\.\.2"),
        (np.zeros((2, 3)), [-1, 0], r"class index 0\.\.2"),
        (np.zeros((2, 3)), [0.0, 1.0], "class index"),
        (np.zeros((3, 3)), [0, 1, 1], "No row of class 2"),
    ],
)
def test_rows_that_cannot_be_calibrated_are_a_named_error(logits, labels, which):
    with pytest.raises(EvaluationError, match=which):
        calibration.fit(logits, labels, "bias_corrected_temperature")
