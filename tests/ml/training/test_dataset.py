from __future__ import annotations

from ml import data
from ml.training import dataset
from tests.ml.data.published import write_busuclm


def test_a_coloured_mask_marks_the_lesion_whether_green_or_red(tmp_path):
    marked = [s for s in data.read("bus-uclm", write_busuclm(tmp_path)) if s.masks]
    assert [s.label for s in marked] == ["benign", "malignant"]
    assert [dataset._lesion(sample).sum() for sample in marked] == [30 * 25, 30 * 25]
