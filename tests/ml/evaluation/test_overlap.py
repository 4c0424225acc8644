from dataclasses import replace
from pathlib import Path

import pytest

from ml.data import Sample, fingerprint, splits
from ml.errors import DataError
from ml.evaluation import overlap
from tests.ml.conftest import tiny_card


@pytest.fixture
def samples(tmp_path):
    """Three patients with two images each."""
    found = []
    for number in range(6):
        path = tmp_path / "Images" / f"bus_{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number]))
        patient = f"bus-bra:{number // 2}"
        found.append(Sample(path, "benign", patient, patient, "bus-bra"))
    return found


def learned_from(name, given):
    return tiny_card().model_copy(update={"training": {"data": {name: {"fingerprint": fingerprint(given)}}}})


def test_all_images_of_a_patient_in_the_manifest_are_seen(samples, tmp_path):
    splits.write_manifest({"fold-1": samples[:1], "fold-2": samples[2:3]}, tmp_path / overlap.MANIFEST)
    found = overlap.find(samples, tiny_card(), tmp_path)
    assert found.seen.tolist() == [True, True, True, True, False, False]
    assert found.said.startswith("NOT A TEST: the network learned from 4 of these 6 images")


def test_a_near_copy_of_an_image_in_the_manifest_is_seen(samples, tmp_path):
    near = [replace(sample, patient=sample.key, group="one group") for sample in samples[:3]]
    splits.write_manifest({"train": samples[:1]}, tmp_path / overlap.MANIFEST)
    assert overlap.find([*near, samples[4]], tiny_card(), tmp_path).seen.tolist() == [True, True, True, False]


def test_images_of_the_test_part_were_not_learned_from(samples, tmp_path):
    parts = {"train": samples[:2], "validation": samples[2:4], "test": samples[4:]}
    splits.write_manifest(parts, tmp_path / overlap.MANIFEST)
    found = overlap.find(samples[4:], tiny_card(), tmp_path)
    assert not found.seen.any()
    assert found.said == overlap.UNSEEN
    assert overlap.find(samples, tiny_card(), tmp_path).seen.sum() == 4


def test_without_a_manifest_the_same_fingerprint_means_that_all_were_seen(samples, tmp_path):
    found = overlap.find(samples, learned_from("bus-bra", samples), tmp_path)
    assert found.seen.all()
    assert found.said.startswith("NOT A TEST")


def test_without_a_manifest_other_images_of_the_same_data_set_are_unknown(samples, tmp_path):
    found = overlap.find(samples[:4], learned_from("bus-bra", samples), tmp_path)
    assert not found.seen.any()
    assert found.said.startswith("UNKNOWN")


def test_a_data_set_that_the_card_does_not_name_was_not_learned_from(samples, tmp_path):
    found = overlap.find(samples, learned_from("busi", samples), tmp_path)
    assert not found.seen.any()
    assert "names no such data set" in found.said


def test_a_manifest_that_is_none_is_a_named_error(samples, tmp_path):
    (tmp_path / overlap.MANIFEST).write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a split manifest"):
        overlap.find(samples, tiny_card(), tmp_path)


def test_the_shipped_network_stands_with_the_list_of_what_it_learned_from():
    assert (Path(overlap.__file__).parents[1] / "shipped" / overlap.MANIFEST).is_file()
