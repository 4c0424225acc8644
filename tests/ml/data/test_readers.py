from __future__ import annotations

import pytest

from ml import data
from ml.data import busi
from ml.errors import DataError
from tests.ml.data.published import write_busbra, write_busi


def test_busbra_gives_patient_fold_mask_and_category(tmp_path):
    samples = data.read("bus-bra", write_busbra(tmp_path))
    first = samples[0]
    assert (first.label, first.patient, first.fold, first.birads) == ("benign", "bus-bra:1", 1, 2)
    assert first.masks[0].name == "mask_0001-l.png"
    assert len(samples) == 16


def test_the_published_top_folder_is_accepted_too(tmp_path):
    write_busbra(tmp_path / "BUSBRA")
    assert len(data.read("bus-bra", tmp_path)) == 16


def test_every_fault_of_a_table_is_listed_with_its_line(tmp_path):
    root = write_busbra(tmp_path)
    (root / "Images" / "bus_0001-l.png").unlink()
    table = root / "bus_data.csv"
    table.write_text(table.read_text().replace("bus_0002-r,2,malignant", "bus_0002-r,2,perhaps"))
    with pytest.raises(DataError) as caught:
        data.read("bus-bra", root)
    assert caught.value.problems == (
        "bus_data.csv line 2: no file Images/bus_0001-l.png",
        "bus_data.csv line 5: Pathology is 'perhaps'",
    )


def test_busi_masks_are_not_taken_for_images_and_several_are_kept(tmp_path):
    samples = data.read("busi", write_busi(tmp_path))
    first = next(sample for sample in samples if sample.path.name == "benign (1).png")
    assert [mask.name for mask in first.masks] == ["benign (1)_mask.png", "benign (1)_mask_1.png"]
    assert not any("_mask" in sample.path.name for sample in samples)


def test_near_copies_share_a_group(tmp_path):
    groups = {sample.path.name: sample.group for sample in data.read("busi", write_busi(tmp_path))}
    assert groups["benign (1).png"] == groups["benign (2).png"]
    assert groups["benign (1).png"] != groups["benign (3).png"]


def test_a_group_with_two_labels_is_left_out_and_listed(tmp_path):
    root = write_busi(tmp_path)
    left_out = {sample.path.name for group in busi.conflicts(root) for sample in group}
    assert left_out == {"malignant (3).png", "normal (3).png"}
    assert not left_out & {sample.path.name for sample in data.read("busi", root)}


@pytest.mark.parametrize("argument", ["busi", "busi=/no/such/folder", "kitti=.", "=."])
def test_a_wrong_data_argument_says_how_to_write_it(argument):
    with pytest.raises(DataError):
        data.parse([argument])


def test_a_folder_in_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        data.read("busi", tmp_path)
    with pytest.raises(DataError, match=r"bus_data\.csv"):
        data.read("bus-bra", tmp_path)


def test_the_fingerprint_depends_on_bytes_and_labels_not_on_the_folder(tmp_path):
    first = data.read("bus-bra", write_busbra(tmp_path / "a"))
    second = data.read("bus-bra", write_busbra(tmp_path / "b"))
    assert data.fingerprint(first) == data.fingerprint(reversed(second))
    second[0].path.write_bytes(second[1].path.read_bytes())
    assert data.fingerprint(first) != data.fingerprint(second)
