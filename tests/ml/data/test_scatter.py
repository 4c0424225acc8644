import numpy as np
import pytest

from ml.data.scatter import DYNAMIC_RANGE_DB, Noise, Tissue, amplitude, scan

SHAPE, SPACING = (400, 400), 0.08


def even(level=0.0, attenuation=0.0):
    """Uniform tissue without interfaces."""
    return Tissue(
        np.full(SHAPE, level, np.float32),
        np.zeros(SHAPE, np.float32),
        np.full(SHAPE, attenuation, np.float32),
    )


def decibels(tissue, seed=0):
    return scan(tissue, Noise(seed, SHAPE, SPACING)).astype(float) / 255 * DYNAMIC_RANGE_DB


def width(pixels, axis):
    """Half width of the autocorrelation along an axis, in pixels."""
    centred = pixels - pixels.mean()
    moved = [np.roll(centred, shift, axis) for shift in range(30)]
    return next(k for k, each in enumerate(moved) if (centred * each).mean() < 0.5 * centred.var())


def test_speckle_of_uniform_tissue_is_the_mean_of_three_rayleigh_envelopes():
    envelope = amplitude(decibels(even())[100:300])
    expected = np.sqrt(3) * np.sqrt(np.pi / (4 - np.pi))  # one Rayleigh envelope: mean / deviation = 1.91
    assert envelope.mean() / envelope.std() == pytest.approx(expected, rel=0.06)


def test_speckle_is_wider_across_the_beam_than_along_it_and_narrowest_at_the_focus():
    found = decibels(even())
    focus, deep = found[140:200], found[-60:]
    assert width(focus, 1) > width(focus, 0)
    assert width(deep, 1) > width(focus, 1)


def test_twice_the_decibels_give_twice_the_difference():
    means = [decibels(even(level))[100:200].mean() for level in (0.0, -6.0, -12.0)]
    assert means[0] - means[1] == pytest.approx(6, abs=0.5)
    assert means[0] - means[2] == pytest.approx(12, abs=0.5)


def test_attenuation_adds_up_along_the_beam():
    lost = decibels(even()) - decibels(even(attenuation=0.5))
    depth = np.arange(SHAPE[0]) * SPACING
    assert lost[125:135].mean() == pytest.approx(0.5 * depth[130], abs=0.5)
    assert lost[245:255].mean() == pytest.approx(0.5 * depth[250], abs=0.8)


def test_smooth_fields_have_the_length_asked_for():
    field = Noise(3, SHAPE, SPACING).smooth(1.0, 4.0)
    assert 2 < width(field, 1) / width(field, 0) < 8
    assert field.std() == pytest.approx(0.85, abs=0.25)


def test_planes_far_apart_are_independent_and_none_apart_the_same():
    here, same, far = (Noise(1, SHAPE, SPACING, mm).white(4000, scale_mm=2.0) for mm in (0.0, 0.0, np.pi))
    np.testing.assert_array_equal(here, same)
    assert abs(np.corrcoef(here, far)[0, 1]) < 0.06
    assert far.std() == pytest.approx(1, abs=0.05)
