"""Probabilities that mean what they say: p = softmax(logits / temperature + bias).

Temperature scaling: Guo et al. 2017, section 4.2. With a bias for each class (bias-corrected temperature
scaling): Alexandari et al. 2020, Maximum likelihood with bias-corrected calibration is hard-to-beat at
label shift adaptation. Fit on logits of images that the network has not seen.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from ml.calibrate import probabilities
from ml.card import Calibration
from ml.errors import EvaluationError
from ml.evaluation.statistic import Array

Method = Literal["none", "temperature", "bias_corrected_temperature"]

SHARPEST, FLATTEST = 100.0, 0.01
"""Bounds of 1 / temperature: on separable logits the likelihood has no maximum."""


def fit(
    logits: ArrayLike,
    labels: ArrayLike,
    method: Method,
    fitted_on: str = "",
    weights: ArrayLike | None = None,
) -> Calibration:
    """The calibration of least negative log-likelihood, by L-BFGS-B; the same input, the same answer.

    `logits` float (N, C); `labels` int (N,), class index; `weights` float (N,), > 0, how much each row
    counts (None: all alike). `fitted_on` is kept in the card. The likelihood is concave in
    (1 / temperature, bias), and the bias sums to 0, so that there is one best answer.

    Raises:
        EvaluationError: shapes differ, no rows, a label that is no class, a logit that isn't finite, a
            weight that isn't positive, or a bias asked for a class without rows.
    """
    values, truth = _checked(logits, labels)
    share = _shares(weights, len(truth))
    classes = values.shape[1]
    if method == "none":
        return Calibration(method=method, temperature=1.0, bias=(0.0,) * classes, fitted_on=fitted_on)
    with_bias = method == "bias_corrected_temperature"
    absent = set(range(classes)) - set(truth.tolist())
    if with_bias and absent:
        raise EvaluationError(
            f"No row of class {min(absent)}: its bias can't be fitted.", "Fit the temperature only."
        )
    start = np.append(1.0, np.zeros(classes if with_bias else 0))
    bounds = [(FLATTEST, SHARPEST)] + [(None, None)] * (len(start) - 1)
    found = minimize(
        _objective,
        start,
        (values, truth, share),
        "L-BFGS-B",
        jac=True,
        bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-8},
    )
    sharpness, bias = _unpack(found.x, classes)
    return Calibration(
        method=method, temperature=1 / sharpness, bias=tuple(bias.tolist()), fitted_on=fitted_on
    )


def apply(logits: ArrayLike, calibration: Calibration) -> Array:
    """Calibrated probabilities, float64 (N, C), rows sum to 1, from `logits` float (N, C): as in serving."""
    return probabilities(np.asarray(logits), calibration)


def nll(logits: ArrayLike, labels: ArrayLike, calibration: Calibration) -> float:
    """Mean negative log-likelihood in nats, >= 0."""
    values, truth = _checked(logits, labels)
    scaled = values / calibration.temperature + np.asarray(calibration.bias)
    return -float(log_softmax(scaled, axis=1)[np.arange(len(truth)), truth].mean())


def _objective(
    parameters: Array, values: Array, truth: NDArray[np.int64], share: Array
) -> tuple[float, Array]:
    """Negative log-likelihood, rows weighted by `share`, and its gradient by (1 / temperature, bias...)."""
    sharpness, bias = _unpack(parameters, values.shape[1])
    log_p = log_softmax(sharpness * values + bias, axis=1)
    rows = np.arange(len(truth))
    error = np.exp(log_p)
    error[rows, truth] -= 1.0
    by_bias = (share @ error)[: len(parameters) - 1]
    by_sharpness = share @ (error * values).sum(axis=1)
    return -float(share @ log_p[rows, truth]), np.append(by_sharpness, by_bias)


def _shares(weights: ArrayLike | None, rows: int) -> Array:
    """Weights that sum to 1, float64 (N,)."""
    given = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (rows,) or not (np.isfinite(given) & (given > 0)).all():
        raise EvaluationError(
            f"Weights of shape {given.shape} don't fit {rows} rows.", "Give each row one positive weight."
        )
    return np.asarray(given / given.sum())


def _unpack(parameters: Array, classes: int) -> tuple[float, Array]:
    bias = parameters[1:] - parameters[1:].mean() if len(parameters) > 1 else np.zeros(classes)
    return float(parameters[0]), bias


def _checked(logits: ArrayLike, labels: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    values = np.asarray(logits, dtype=np.float64)
    truth = np.asarray(labels)
    if values.ndim != 2 or truth.shape != values.shape[:1] or not len(truth):
        raise EvaluationError(
            f"Logits of shape {values.shape} and labels of shape {truth.shape} can't be calibrated.",
            "Give logits (N, C) and labels (N,) of the same images.",
        )
    if not np.isfinite(values).all():
        raise EvaluationError("A logit is not finite.", "Look at the network: its output has NaN.")
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= values.shape[1]:
        raise EvaluationError(
            f"A label is not a class index 0..{values.shape[1] - 1}.",
            "Number the classes in the card's order.",
        )
    return values, truth.astype(np.int64)
