"""What a sample shows and where its lesion is, whatever its mask is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml import data
from ml.data.pixels import lesion, read_pixels
from tests.ml.data.published import write_busbra, write_busuclm


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return data.read("bus-bra", write_busbra(tmp_path_factory.mktemp("bus-bra"), 2))[0]


def test_a_coloured_mask_marks_the_lesion_whether_green_or_red(tmp_path):
    marked = [s for s in data.read("bus-uclm", write_busuclm(tmp_path)) if s.masks]
    assert [s.label for s in marked] == ["benign", "malignant"]
    assert [lesion(s).sum() for s in marked] == [30 * 25, 30 * 25]


def test_a_crop_takes_image_and_mask_along(sample):
    cropped = replace(sample, crop=(10, 20, 60, 80))
    np.testing.assert_array_equal(read_pixels(cropped), read_pixels(sample)[20:80, 10:60])
    np.testing.assert_array_equal(lesion(cropped), lesion(sample)[20:80, 10:60])


def test_a_sample_without_masks_has_no_lesion_to_ask_for(sample):
    with pytest.raises(ValueError, match="no mask"):
        lesion(replace(sample, masks=()))
