"""The drawn mammograms are what CBIS-DDSM's reader takes."""

from __future__ import annotations

from ml import data
from tests.ml.data import mammograms


def test_each_patient_has_two_views_with_a_mask_and_every_second_one_is_malignant(tmp_path):
    samples = data.read_all({"cbis-ddsm": mammograms.write(tmp_path, patients=4)})
    assert len(samples) == 8
    assert len({sample.patient for sample in samples}) == 4
    assert sum(sample.label == "malignant" for sample in samples) == 4
    assert all(len(sample.masks) == 1 for sample in samples)
