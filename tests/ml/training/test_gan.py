"""The DCGAN's training on pictures of 64 px that are drawn here, with next to no channels."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from ml.__main__ import main
from ml.training import gan
from ml.training.fit import history
from ml.training.gan import Gan, GanRecipe, draw, fit
from ml.training.gan_check import judge
from tests.ml.data.published import scan, write_busi

torch.set_num_threads(1)
RECIPE = GanRecipe(classes=("dark", "light"), narrowest=2, epochs=2, batch_size=8)
LABELS = ["dark"] * 12 + ["light"] * 4


@pytest.fixture(scope="module")
def pictures():
    return np.stack([scan(seed, (64, 64), bright=seed >= 12) for seed in range(16)]).astype(np.uint8)


def test_a_killed_run_goes_on_as_if_never_stopped(pictures, tmp_path, monkeypatch):
    whole, _ = fit(RECIPE, pictures, LABELS, tmp_path / "whole")
    started = Gan.on_train_epoch_start

    def killed(self):
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        started(self)

    with monkeypatch.context() as patched:
        patched.setattr(Gan, "on_train_epoch_start", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            fit(RECIPE, pictures, LABELS, tmp_path / "killed")
    resumed, _ = fit(RECIPE, pictures, LABELS, tmp_path / "killed")
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)
    assert len(history(tmp_path / "whole")["generator_loss"]) == 2


def test_a_run_that_is_done_is_read_back(pictures, tmp_path, monkeypatch):
    first = fit(RECIPE, pictures, LABELS, tmp_path)
    monkeypatch.setattr(gan, "_train", None)
    second = fit(RECIPE, pictures, LABELS, tmp_path)
    assert not (tmp_path / "last.ckpt").exists()
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())


def test_a_rare_class_is_drawn_as_often_as_any_other():
    sampler = gan._EvenClasses([0] * 300 + [1] * 20, seed=1, epoch=lambda: 0)
    drawn = np.array(list(sampler)) >= 300
    assert len(drawn) == 320
    assert 0.4 < drawn.mean() < 0.6


def test_pictures_follow_from_the_seed(pictures, tmp_path):
    generator, _ = fit(RECIPE, pictures, LABELS, tmp_path)
    drawn = draw(generator, 1, 3, seed=5)
    assert drawn.shape == (3, 64, 64)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, draw(generator, 1, 3, seed=5))
    assert not np.array_equal(drawn, draw(generator, 1, 3, seed=6))
    assert not np.array_equal(drawn, draw(generator, 0, 3, seed=5))


def test_a_picture_that_is_a_training_image_is_found(pictures, tiny_weights):
    others = np.stack([scan(seed, (64, 64)) for seed in range(900, 908)]).astype(np.uint8)
    brighter = np.clip(pictures[3].astype(int) + 20, 0, 255).astype(np.uint8)
    worth = judge(np.concatenate([others, brighter[None], others[:2]]), pictures, tiny_weights)
    assert worth.near_copies == (8,)
    assert worth.repeats == 2
    assert worth.features_of == "secondread-test 0.0.1"


def test_noise_is_farther_from_scans_than_scans_are(pictures, tiny_weights):
    noise = np.random.default_rng(0).integers(0, 256, (16, 64, 64), dtype=np.uint8)
    worth = judge(noise, pictures, tiny_weights)
    assert worth.distance.mean > worth.of_halves.mean


def test_the_command_writes_weights_sheet_and_what_they_are_worth(tmp_path, tiny_weights, capsys):
    busi, out = write_busi(tmp_path / "busi"), tmp_path / "out"
    words = ["gan", "--data", f"busi={busi}", "--out", str(out), "--network", str(tiny_weights)]
    assert main([*words, "--epochs", "1", "--narrowest", "1", "--batch-size", "8"]) == 0
    kept = json.loads((out / "gan.json").read_text())
    assert kept["recipe"]["classes"] == ["benign", "malignant", "normal"]
    assert str(tmp_path) not in kept["command"]
    assert kept["pictures"] == 3 * 128
    shown = cv2.imread(str(out / "samples.png"), cv2.IMREAD_GRAYSCALE)
    assert shown.shape == (3 * 66, 10 * 66)
    assert {path.name for path in out.iterdir()} == {
        "discriminator.safetensors",
        "gan.json",
        "generator.safetensors",
        "log",
        "samples.png",
    }
    assert "near copies of training images" in capsys.readouterr().out
