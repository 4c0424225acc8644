"""Calibrated probabilities."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.calibrate import probabilities
from ml.card import Calibration
from ml.evaluation import calibration


def fitted(temperature, bias=(0.0, 0.0, 0.0)):
    return Calibration(method="temperature", temperature=temperature, bias=bias, fitted_on="")


def test_the_formula_of_the_card_by_hand():
    answer = probabilities(np.array([[2.0, 0.0, -2.0]]), fitted(2.0, (0.0, np.log(2), 0.0)))
    weights = np.array([np.e, 2.0, 1 / np.e])
    np.testing.assert_allclose(answer, [weights / weights.sum()])


@given(
    arrays(np.float64, (4, 3), elements=st.floats(-1e4, 1e4)),
    st.floats(0.05, 20),
    st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_rows_sum_to_one_and_agree_with_the_fitting_code(logits, temperature, bias):
    ours = probabilities(logits, fitted(temperature, bias))
    np.testing.assert_allclose(ours.sum(axis=1), 1)
    np.testing.assert_allclose(ours, calibration.apply(logits, fitted(temperature, bias)), atol=1e-12)
