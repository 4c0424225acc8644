from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.card import Preprocessing
from ml.preprocess import normalise, resize, to_input

SPEC = Preprocessing(size=64, mean=0.45, std=0.25)


def test_input_is_one_float32_image_of_the_size_of_the_card():
    result = to_input([np.zeros((100, 37), np.uint8)], SPEC)
    assert result.shape == (1, 3, 64, 64)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_flat_image_becomes_its_normalised_grey(grey):
    result = to_input([np.full((90, 90), grey, np.uint8)], SPEC)
    np.testing.assert_allclose(result, (grey / 255 - 0.45) / 0.25, atol=1e-5)


def test_min_max_stretches_each_image_from_its_darkest_to_its_brightest_pixel():
    spec = Preprocessing(size=64, mean=0, std=1, scaling="min-max")
    squares = np.full((2, 64, 64), 100, np.uint8)
    squares[0, 0, :2] = 50, 150
    dark_to_bright, flat = normalise(squares, spec)
    np.testing.assert_allclose(dark_to_bright[:, 0, :3], [[0, 1, 0.5]] * 3)
    assert not flat.any()


def test_the_three_channels_are_equal():
    pixels = np.random.default_rng(0).integers(0, 256, (80, 90), dtype=np.uint8)
    red, green, blue = to_input([pixels], SPEC)[0]
    assert (red == green).all()
    assert (green == blue).all()


def test_shrinking_averages_so_that_fine_speckle_does_not_alias():
    checkers = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.ptp(resize(checkers, 64)) <= 1


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_size_is_accepted(height, width):
    assert to_input([np.zeros((height, width), np.uint8)], SPEC).shape == (1, 3, 64, 64)
