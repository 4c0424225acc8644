"""A heatmap in numbers and words."""

import numpy as np
import pytest

from ml.card import CamScale
from ml.evidence import EMPTY, heatmap

SCALE = CamScale(strong=2.0)


def spot(row, column, strength, grid=6):
    """A raw map with one cell of evidence, `strength` times what counts as strong."""
    raw = np.zeros((grid, grid), np.float32)
    raw[row, column] = strength * SCALE.strong
    return heatmap("malignant", raw, SCALE)


def test_values_are_the_raw_map_over_what_counts_as_strong_and_not_over_their_own_maximum():
    assert spot(1, 1, 0.5).values.max() == pytest.approx(0.5)
    assert spot(1, 1, 1.7).values.max() == pytest.approx(1.7)


def test_a_map_of_zeros_is_no_evidence_with_no_peak_and_no_area():
    found = heatmap("benign", np.zeros((5, 5), np.float32), SCALE)
    assert (found.words, found.peak, found.area) == ("no evidence", None, 0.0)
    assert not found.values.any()


def test_what_is_too_faint_to_be_seen_is_called_no_evidence():
    assert spot(2, 2, EMPTY * 0.99).words == "no evidence"
    assert spot(2, 2, EMPTY * 1.01).words.startswith("weak evidence")


@pytest.mark.parametrize(
    ("strength", "word"),
    [(0.2, "weak"), (0.36, "moderate"), (0.74, "moderate"), (0.76, "strong"), (3.0, "strong")],
)
def test_strength_has_three_grades(strength, word):
    assert spot(2, 2, strength).words.startswith(f"{word} evidence")


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        (0, 0, "upper left"),
        (0, 4, "upper right"),
        (0, 2, "upper"),
        (2, 2, "centre"),
        (2, 0, "left"),
        (2, 4, "right"),
        (4, 2, "lower"),
        (4, 0, "lower left"),
        (4, 4, "lower right"),
    ],
)
def test_place_is_said_by_thirds_of_the_image_as_displayed(row, column, place):
    raw = np.zeros((5, 5), np.float32)
    raw[row, column] = SCALE.strong
    assert f", {place}, " in heatmap("benign", raw, SCALE).words


def test_the_peak_is_in_shares_of_height_and_width():
    row, column = spot(1, 4, 1.0).peak
    assert row == pytest.approx(1.5 / 6, abs=0.02)
    assert column == pytest.approx(4.5 / 6, abs=0.02)


def test_area_is_the_share_of_the_image_above_half_of_the_peak():
    raw = np.zeros((8, 8), np.float32)
    raw[:, :4] = SCALE.strong
    found = heatmap("benign", raw, SCALE)
    assert found.area == pytest.approx(0.5, abs=0.02)
    assert found.words.endswith("about 50% of the image")


def test_a_speck_is_less_than_one_per_cent():
    assert spot(10, 10, 1.0, grid=40).words.endswith("less than 1% of the image")
