"""Who is judged on what, and that a method which ignores the network is found out."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from ml import data
from ml.attribution import METHODS, Method, perturbations
from ml.data import splits
from ml.errors import DataError
from ml.evaluation import overlap
from ml.evaluation.explanations.figures import judge
from ml.evaluation.explanations.rows import maps_needed, measure
from ml.evaluation.explanations.run import run
from ml.evaluation.explanations.subject import eligible, load, looks
from tests.ml.data.published import save, write_busbra, write_busi

PATIENTS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_busbra(tmp_path_factory.mktemp("data") / "bus-bra", PATIENTS)


@pytest.fixture(scope="module")
def samples(folder):
    return data.read("bus-bra", folder)


@pytest.fixture
def subject(tiny_weights):
    return load(None, tiny_weights)


def edges(network, name, image, label, seed=0):
    """A deliberate edge detector: it draws the image and never asks the network."""
    return np.abs(np.gradient(image[0, 0].numpy(), axis=0)).astype(np.float32)


def nothing(network, name, image, label, seed=0):
    return np.zeros((4, 4), np.float32)


def judged(subject, samples, method, count=6):
    return judge(
        measure(subject, method, list(looks(subject, samples, count, 1)), 1, lambda: None), "patient"
    )


def test_a_method_that_ignores_the_network_is_worthless(subject, samples):
    found = judged(subject, samples, Method("edges", "nobody", edges))
    assert [each.value for each in found.randomised.values()] == pytest.approx([1, 1, 1, 1])
    assert found.swap.value == pytest.approx(1)
    assert found.verdict == "WORTHLESS"


def test_a_method_that_draws_nothing_is_worthless_and_points_at_nothing(subject, samples):
    found = judged(subject, samples, Method("nothing", "nobody", nothing))
    assert found.verdict == "WORTHLESS"
    assert found.empty == 1
    assert found.pointing["all"].hit.value == 0


def test_a_method_whose_maps_vanish_with_the_weights_passes_for_no_merit(subject, samples):
    trained = subject.network

    def vanishing(network, name, image, label, seed=0):
        return edges(network, name, image, label) * (network is trained)

    found = judged(subject, samples, Method("vanishing", "nobody", vanishing))
    assert [each.value for each in found.randomised.values()] == [0, 0, 0, 0]
    assert (found.empty, found.emptied) == (0, 1)
    assert found.verdict == "says nothing"


def test_a_map_of_the_lesion_points_at_it_in_right_and_wrong_calls(subject, samples):
    def lesion(network, name, image, label, seed=0):
        values = np.zeros((90, 110), np.float32)
        values[30:60, 10:35] = 1
        return values

    found = judged(subject, samples, Method("lesion", "nobody", lesion), count=2 * PATIENTS)
    assert found.pointing["all"].hit.value == 1
    assert found.pointing["all"].inside.value > 0.9
    assert found.pointing["all"].chance.value == pytest.approx(30 * 25 / (90 * 110))
    shares = [found.pointing[calls].images for calls in ("right", "wrong")]
    assert sum(shares) == found.images == 2 * PATIENTS
    assert found.patients == PATIENTS


def test_every_map_that_was_announced_is_drawn_and_told(subject, samples):
    method, told = METHODS["grad-cam"], []
    rows = measure(subject, method, list(looks(subject, samples, 5, 1)), 1, lambda: told.append(1))
    assert len(told) == maps_needed(subject, method, 5)
    assert list(rows.randomised) == ["fc", "layer2", "layer1", "stem"]
    assert all(np.isfinite(column).all() for column in (rows.stability, rows.swap, rows.inside))


def test_a_slow_method_explains_its_share_of_the_images(subject, samples):
    slow = replace(METHODS["grad-cam"], name="slow", share=0.3)
    assert judged(subject, samples, slow, count=10).images == 3


def test_one_seed_draws_the_same_images_for_every_network(subject, samples):
    first, second = ([look.sample.key for look in looks(subject, samples, 5, seed)] for seed in (1, 1))
    assert first == second
    assert len(set(first)) == 5
    assert first != [look.sample.key for look in looks(subject, samples, 5, 2)]


def test_the_class_explained_is_never_normal_and_the_other_is_another(subject, samples):
    for look in looks(subject, samples, 2 * PATIENTS, 1):
        assert subject.card.classes[look.label] != "normal"
        assert look.other != look.label
        assert look.lesion.any()


def test_the_call_is_right_where_the_operating_point_says_so(subject, samples):
    always = subject.card.operating_point.model_copy(update={"threshold": 0.0})
    alarmed = replace(subject, card=subject.card.model_copy(update={"operating_point": always}))
    for look in looks(alarmed, samples, 2 * PATIENTS, 1):
        assert look.right == (look.sample.label == "malignant")


def test_only_unseen_images_are_judged_where_the_manifest_tells_which(samples, tiny_weights, tmp_path):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    splits.write_manifest({"fold-1": samples[:10], "test": samples[10:]}, weights / overlap.MANIFEST)
    chosen, said = eligible(load(None, weights), samples)
    assert [sample.key for sample in chosen] == [sample.key for sample in samples[10:]]
    assert said.startswith(overlap.UNSEEN)
    assert "10 that it learned from are left out" in said


def test_where_all_were_learned_from_it_goes_on_and_says_that_it_is_no_test(samples, tiny_weights, tmp_path):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    splits.write_manifest({"fold-1": samples}, weights / overlap.MANIFEST)
    chosen, said = eligible(load(None, weights), samples)
    assert len(chosen) == len(samples)
    assert said.startswith("NOT A TEST")


def test_images_without_a_lesion_are_left_out(subject, tmp_path):
    given = data.read("busi", write_busi(tmp_path / "busi"))
    chosen, _ = eligible(subject, given)
    assert {sample.label for sample in given} == {"benign", "malignant", "normal"}
    assert {sample.label for sample in chosen} == {"benign", "malignant"}
    with pytest.raises(DataError, match="No image of the data has a drawn lesion"):
        eligible(subject, [sample for sample in given if sample.label == "normal"])


def test_a_class_that_the_network_does_not_know_is_a_named_error(subject, samples):
    other = replace(subject, card=subject.card.model_copy(update={"classes": ("malignant", "normal", "x")}))
    with pytest.raises(DataError, match="has no class benign"):
        eligible(other, samples)


def test_a_mask_that_marks_nothing_is_passed_over(subject, samples, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    save(np.zeros((90, 110)), copy / "Masks" / "mask_0001-l.png")
    given = [look.sample.key for look in looks(subject, data.read("bus-bra", copy), 100, 1)]
    assert len(given) == 2 * PATIENTS - 1
    assert "bus-bra/Images/bus_0001-l.png" not in given


@pytest.mark.parametrize(
    ("content", "said"), [(b"no image", "can't be read"), (None, "another size than the image")]
)
def test_a_mask_that_is_none_is_a_named_error(subject, folder, tmp_path, content, said):
    copy = shutil.copytree(folder, tmp_path / "copy")
    mask = copy / "Masks" / "mask_0002-r.png"
    if content is None:
        save(np.full((10, 10), 255), mask)
    else:
        mask.write_bytes(content)
    with pytest.raises(DataError, match=said):
        list(looks(subject, data.read("bus-bra", copy), 100, 1))


def test_two_runs_give_the_same_figures(subject, samples, monkeypatch):
    monkeypatch.setattr(perturbations, "SAMPLES", 60)

    def figures():
        parts = run([subject], {"bus-bra": samples}, [METHODS["grad-cam"], METHODS["lime"]], 3, 5)
        return [replace(each, seconds=0) for part in parts for each in part.judged]

    assert figures() == figures()
