"""The figures: discrimination, calls at a threshold, calibration error. numpy alone.

Every figure is a `Statistic`: `auc(positive, scores)` is a float, and `intervals.interval` counts the same
formula on thousands of resamples. In the formulas `weights` is float64 (B, N): how often each row counts.

Columns: `positive` bool (N,), True for malignant; `called` bool (N,), True for suspicious; `scores`
float (N,), P(malignant); `labels` int (N,), class index; `probabilities` float (N, C), rows sum to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import EvaluationError
from ml.evaluation.statistic import Array, Statistic, ratio, statistic

BINS = 15
"""Equal-width bins of the calibration error: Guo et al. 2017, On calibration of modern neural networks."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_BOTH = "at least one positive and one negative"


@statistic("AUC", _BOTH, events=1)
def auc(weights: Array, positive: Bools, scores: Array) -> Array:
    """Area under the ROC curve, 0..1: P(a positive scores above a negative), ties count one half.

    Mann and Whitney 1947; with weights, each pair counts as often as both its rows were drawn.
    """
    order = np.argsort(scores, kind="stable")
    positives = weights[:, order] * positive[order]
    negatives = weights[:, order] - positives
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    of_score = np.add.reduceat(negatives, starts, axis=1)
    below = np.cumsum(of_score, axis=1) - of_score / 2
    pairs = (np.add.reduceat(positives, starts, axis=1) * below).sum(axis=1)
    return ratio(pairs, positives.sum(axis=1) * negatives.sum(axis=1))


@statistic("Sensitivity", "at least one positive", events=2)
def sensitivity(weights: Array, positive: Bools, called: Bools) -> Array:
    """TP / (TP + FN): share of the positives that were called."""
    return ratio(weights @ (positive & called), weights @ positive)


@statistic("Specificity", "at least one negative", events=2)
def specificity(weights: Array, positive: Bools, called: Bools) -> Array:
    """TN / (TN + FP): share of the negatives that were not called."""
    return ratio(weights @ ~(positive | called), weights @ ~positive)


@statistic("PPV", "a row that was called suspicious", events=2)
def ppv(weights: Array, positive: Bools, called: Bools) -> Array:
    """TP / (TP + FP): share of positives among the called."""
    return ratio(weights @ (positive & called), weights @ called)


@statistic("NPV", "a row that was not called suspicious", events=2)
def npv(weights: Array, positive: Bools, called: Bools) -> Array:
    """TN / (TN + FN): share of negatives among those not called."""
    return ratio(weights @ ~(positive | called), weights @ ~called)


@statistic("Accuracy", "a row")
def accuracy(weights: Array, truth: NDArray[np.generic], answer: NDArray[np.generic]) -> Array:
    """Share of rows whose answer is the truth; for calls (bool) and for classes (int) alike."""
    return ratio(weights @ (truth == answer), weights.sum(axis=1))


@statistic("F1", "a positive, or a row that was called suspicious", events=2)
def f1(weights: Array, positive: Bools, called: Bools) -> Array:
    """2 TP / (2 TP + FP + FN), the harmonic mean of sensitivity and PPV."""
    return ratio(2 * (weights @ (positive & called)), weights @ positive + weights @ called)


@statistic("Macro F1", "each class of the data to be there or answered")
def macro_f1(weights: Array, labels: Ints, answers: Ints) -> Array:
    """Mean of the F1 of each class that `labels` hold, each against the rest."""
    found = np.unique(labels)
    each: Array = np.stack([f1.resampled(weights, labels == k, answers == k) for k in found])
    return np.asarray(each.mean(axis=0))


@statistic("Expected calibration error", "a row", events=1)
def ece(weights: Array, happened: Bools, probability: Array) -> Array:
    """Expected calibration error, 0..1, of a probability 0..1 that something happens.

    Sum over equal-width bins of |what happened - what was said| / n, Guo et al. 2017 equation 3.
    """
    require_unit_range(probability)
    bins = np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.zeros((len(bins), BINS))
    gaps[np.arange(len(bins)), bins] = probability - happened
    return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))


@statistic("Expected calibration error", "a row")
def top_label_ece(weights: Array, labels: Ints, probabilities: Array) -> Array:
    """`ece` of the most probable class: confidence max p against whether it was right (Guo et al. 2017)."""
    right = probabilities.argmax(axis=1) == labels
    return ece.resampled(weights, right, np.minimum(probabilities.max(axis=1), 1.0))


@statistic("Brier score", "a row", events=1)
def brier(weights: Array, happened: Bools, probability: Array) -> Array:
    """Mean squared error of a probability, 0..1 (Brier 1950, for one event)."""
    require_unit_range(probability)
    return ratio(weights @ (probability - happened) ** 2, weights.sum(axis=1))


@statistic("Brier score", "a row")
def class_brier(weights: Array, labels: Ints, probabilities: Array) -> Array:
    """Squared error summed over the classes, mean over rows, 0..2 (Brier 1950, equation 2)."""
    truth = np.arange(probabilities.shape[1]) == labels[:, None]
    return ratio(weights @ ((probabilities - truth) ** 2).sum(axis=1), weights.sum(axis=1))


def confusion_share(truth: int, answer: int) -> Statistic:
    """One cell of the confusion matrix: the share of class `truth` that was answered `answer`."""

    @statistic(f"Confusion of class {truth} with {answer}", f"a row of class {truth}")
    def share(weights: Array, labels: Ints, answers: Ints) -> Array:
        return ratio(weights @ ((labels == truth) & (answers == answer)), weights @ (labels == truth))

    return share


def confusion(labels: ArrayLike, answers: ArrayLike, classes: int) -> Ints:
    """int64 (C, C): how many rows of class i (row) were answered class j (column)."""
    truth, answer = accuracy.check(labels, answers)
    given = np.concatenate([truth, answer])
    if given.min() < 0 or given.max() >= classes:
        raise EvaluationError(
            f"A class index is not 0..{classes - 1}.", "Number the classes in the card's order."
        )
    counts: Ints = np.bincount(truth * classes + answer, minlength=classes * classes)
    return counts.reshape(classes, classes)


def roc(positive: ArrayLike, scores: ArrayLike) -> tuple[Array, Array, Array]:
    """(false positive rate, sensitivity, threshold), each float64 (K,): a point for each score that occurs.

    The first point is (0, 0) at threshold +inf; a row is called where score >= threshold.
    """
    auc(positive, scores)  # raises where one class only is there
    truth, values = auc.check(positive, scores)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[last] / truth.sum()
    alarms = np.cumsum(~truth[order])[last] / (~truth).sum()
    return np.insert(alarms, 0, 0.0), np.insert(hits, 0, 0.0), np.insert(values[order][last], 0, np.inf)


def operating_point(positive: ArrayLike, scores: ArrayLike, wanted: float) -> float:
    """The largest threshold that reaches the wanted sensitivity, 0 < wanted <= 1, with score >= threshold.

    Raises:
        EvaluationError: no positive, or a sensitivity outside that range.
    """
    if not 0 < wanted <= 1:
        raise EvaluationError(f"No threshold has sensitivity {wanted}.", "Ask for one above 0, up to 1.")
    truth, values = ece.check(positive, scores)
    hits = np.sort(values[truth])[::-1]
    if not len(hits):
        raise EvaluationError(
            f"No operating point: it needs {sensitivity.needs}.", "Choose it on data that has one."
        )
    enough = np.arange(1, len(hits) + 1) / len(hits) >= wanted
    return float(hits[np.argmax(enough)])


def require_unit_range(probability: Array) -> None:
    """Raise EvaluationError where a value is not a probability."""
    if probability.min() < 0 or probability.max() > 1:
        raise EvaluationError(
            f"A probability is outside 0..1 ({probability.min():.3g} to {probability.max():.3g}).",
            "Give calibrated probabilities, not logits.",
        )
