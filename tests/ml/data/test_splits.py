from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml import data
from ml.data import Sample, splits
from ml.errors import DataError, LeakError
from tests.ml.data.published import write_busbra, write_busi


def sample(index: int, patient: str, label: str = "benign", fold: int | None = None) -> Sample:
    return Sample(Path(f"{index}.png"), label, patient, patient, "made", fold=fold)


def test_official_folds_are_kept(tmp_path):
    samples = data.read("bus-bra", write_busbra(tmp_path))
    assert splits.assign_folds(samples, 4) == [s.fold for s in samples]


def test_fewer_folds_than_the_official_ones_is_an_error(tmp_path):
    with pytest.raises(DataError, match="official fold 4"):
        splits.assign_folds(data.read("bus-bra", write_busbra(tmp_path)), 3)


def test_near_copies_fall_into_one_fold(tmp_path):
    samples = data.read("busi", write_busi(tmp_path))
    folds = splits.assign_folds(samples, 4)
    of_group: dict[str, set[int]] = {}
    for item, fold in zip(samples, folds, strict=True):
        of_group.setdefault(item.group, set()).add(fold)
    assert all(len(found) == 1 for found in of_group.values())
    assert set(folds) == {1, 2, 3, 4}


def test_a_patient_on_both_sides_is_named():
    with pytest.raises(LeakError, match="anna is in train and in test"):
        splits.assert_no_leak({"train": [sample(1, "anna")], "test": [sample(2, "anna")]})


def test_a_near_copy_on_both_sides_is_named():
    copy = replace(sample(2, "berta"), group="anna")
    with pytest.raises(LeakError, match="anna"):
        splits.assert_no_leak({"train": [sample(1, "anna")], "test": [copy]})


def test_an_official_fold_that_splits_a_patient_is_refused():
    with pytest.raises(LeakError):
        splits.assign_folds([sample(1, "anna", fold=1), sample(2, "anna", fold=2)], 2)


@given(st.lists(st.integers(1, 4), min_size=15, max_size=40), st.integers(0, 9))
def test_holding_out_never_leaks_and_loses_nothing(images_of_patient, seed):
    samples = [
        sample(100 * patient + image, f"p{patient}", data.CLASSES[patient % 3])
        for patient, images in enumerate(images_of_patient)
        for image in range(images)
    ]
    kept, held = splits.hold_out(samples, 0.25, seed)
    assert Counter(kept + held) == Counter(samples)
    assert not {s.group for s in kept} & {s.group for s in held}


def test_equal_splits_give_equal_manifests(tmp_path):
    samples = [sample(i, f"p{i}") for i in range(4)]
    splits.write_manifest({"a": samples[:2], "b": samples[2:]}, tmp_path / "one.csv")
    splits.write_manifest({"b": samples[:1:-1], "a": samples[1::-1]}, tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert (tmp_path / "one.csv").read_text().startswith("part,key,label,patient,group\na,made/")
