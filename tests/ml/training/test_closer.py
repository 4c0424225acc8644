"""What the second look learns from is what the first would show it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ml import data, networks
from ml.data.pixels import lesion, read_pixels
from ml.networks.second_look import drawing, lesion_square
from ml.preprocess import to_input
from ml.training import closer
from ml.training.dataset import preprocessing
from ml.training.fit import fit, history, logits
from ml.training.recipe import Recipe
from tests.ml.data.published import write_busbra, write_busi
from tests.ml.networks.kinds import filled
from tests.ml.training.test_initial import folded

BOTH = Recipe(
    network="second_look",
    size=64,
    growth=((64, 1),),
    epochs=2,
    batch_size=8,
    lesion_free_share=0.2,
    frozen=("conv1", "bn1", "layer1"),
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("data")
    return data.read_all({"bus-bra": write_busbra(root / "a"), "busi": write_busi(root / "b")})


def test_the_first_look_reads_half_of_the_input_and_the_second_a_patch_of_it():
    first, second, other = closer.recipes(BOTH.model_copy(update={"size": 320, "growth": ((256, 5),)}))
    assert (first.network, first.size, first.growth) == ("resnet14_lesion", 160, ((128, 5),))
    assert (second.network, second.size, second.growth) == ("resnet14", 128, ((96, 5),))
    assert len({first.member, second.member, other.member}) == 3
    assert other.model_copy(update={"member": 0}) == first


def test_squares_are_those_that_the_network_draws(samples):
    network, recipe = filled("resnet14_lesion"), closer.recipes(BOTH)[0]
    trunk, _ = networks.split(network, "resnet14_lesion")
    for sample, near in zip(samples[:5], closer.squares(network, recipe, samples[:5]), strict=True):
        pixels = read_pixels(sample)
        with torch.no_grad():
            seen = trunk(torch.from_numpy(to_input([pixels], preprocessing(recipe))))
        expected = lesion_square(drawing(seen))[0].numpy() * np.tile(pixels.shape[::-1], 2)
        np.testing.assert_allclose(near.crop, expected, atol=1)
        assert replace(near, crop=None) == sample


def test_a_square_of_a_part_lies_in_that_part(samples):
    part = replace(samples[0], crop=(10, 20, 60, 70))
    (near,) = closer.squares(filled("resnet14_lesion"), closer.recipes(BOTH)[0], [part])
    assert 10 <= near.crop[0] < near.crop[2] <= 60
    assert 20 <= near.crop[1] < near.crop[3] <= 70
    assert read_pixels(near).size


def test_lesion_free_squares_are_normal_beside_the_lesion_and_few(samples):
    found = closer.lesion_free(samples, 0.2, seed=1)
    assert 0 < len(found) <= 0.2 * len(samples)
    assert found == closer.lesion_free(samples, 0.2, seed=1)
    by_path = {sample.path: sample for sample in samples}
    for normal in found:
        x0, y0, x1, y1 = normal.crop
        assert (normal.label, normal.masks, normal.birads) == ("normal", (), None)
        assert not lesion(by_path[normal.path])[y0:y1, x0:x1].any()
        assert normal.dataset != "busi"
    assert closer.lesion_free(samples, 0, seed=1) == []


@pytest.mark.slow
def test_both_looks_are_trained_joined_and_read_back(samples, tmp_path):
    start = tmp_path / "start.safetensors"
    save_file(folded(filled("resnet18")), start)  # each look would unfold it from other images
    network, words = fit(BOTH, str(start), samples[:16], samples[16:], tmp_path)
    assert words.startswith("start.safetensors")
    assert history(tmp_path)["val_loss"]
    found = logits(network, samples[:16], preprocessing(BOTH))
    again, _ = fit(BOTH, str(start), samples[:16], samples[16:], tmp_path)
    np.testing.assert_array_equal(logits(again, samples[:16], preprocessing(BOTH)), found)
    first, _ = fit(closer.recipes(BOTH)[0], str(start), samples[:16], samples[16:], tmp_path / "member-1")
    alone = logits(first, samples[:16], preprocessing(closer.recipes(BOTH)[0]))
    assert not np.allclose(alone, found, atol=1e-3), "the second look has a say"


@pytest.mark.slow
def test_the_first_look_learns_to_draw(samples, tmp_path):
    recipe = closer.recipes(BOTH)[0].model_copy(
        update={
            "size": 64,
            "growth": (),
            "epochs": 15,
            "mask_weight": 5.0,
            "average_decay": 0.0,
            "frozen": (),
        }
    )
    drawn = [sample for sample in samples if sample.masks]
    network, _ = fit(recipe, "random", drawn, [], tmp_path)
    trunk, _ = networks.split(network, recipe.network)
    inside, outside = [], []
    for sample in drawn:
        with torch.no_grad():
            seen = trunk(torch.from_numpy(to_input([read_pixels(sample)], preprocessing(recipe))))
        cells = drawing(seen)[0, 0].numpy()
        share = cv2.resize(lesion(sample).astype(np.float32), cells.shape, interpolation=cv2.INTER_AREA)
        inside.append(cells[share > 0.5].mean())
        outside.append(cells[share < 0.1].mean())
    assert np.mean(inside) > 2 * np.mean(outside)  # how high both are differs between processors
