"""Where a map points is told against a mask, whatever grid the map is on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.evaluation.pointing import pointing


def _lesion() -> np.ndarray:
    lesion = np.zeros((80, 100), dtype=bool)
    lesion[40:60, 50:75] = True
    return lesion


def test_a_map_that_is_hot_on_the_lesion_hits() -> None:
    values = np.zeros((8, 10), dtype=np.float32)
    values[4:6, 5:7] = 1
    found = pointing(values, _lesion())
    assert found.hit
    assert found.inside > 0.6


def test_a_map_that_is_hot_elsewhere_misses() -> None:
    values = np.zeros((8, 10), dtype=np.float32)
    values[0, 0] = 1
    found = pointing(values, _lesion())
    assert not found.hit
    assert found.inside < 0.02


def test_an_even_map_has_the_lesions_share_of_its_energy_inside() -> None:
    found = pointing(np.ones((8, 10), dtype=np.float32), _lesion())
    assert found.inside == pytest.approx(found.chance)
    assert found.chance == pytest.approx(20 * 25 / 8000)


def test_a_map_of_no_evidence_points_at_nothing() -> None:
    found = pointing(np.zeros((8, 10), dtype=np.float32), np.ones((80, 100), dtype=bool))
    assert not found.hit
    assert found.inside == 0


def test_a_mask_that_marks_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no lesion"):
        pointing(np.ones((8, 10), dtype=np.float32), np.zeros((80, 100), dtype=bool))


@given(arrays(np.float32, (5, 7), elements=st.floats(0, 1000, width=32)), st.floats(0.125, 8, width=32))
def test_the_scale_of_a_map_changes_nothing(values: np.ndarray, factor: float) -> None:
    lesion = np.zeros((20, 28), dtype=bool)
    lesion[5:15, 8:20] = True
    first, second = pointing(values, lesion), pointing(values * np.float32(factor), lesion)
    assert 0 <= first.inside <= 1 + 1e-9
    assert second.inside == pytest.approx(first.inside, abs=1e-4)
