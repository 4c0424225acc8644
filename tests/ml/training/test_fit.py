from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ml import checkpoint, data, networks
from ml.data import splits
from ml.data.pixels import lesion
from ml.training import augment, dataset
from ml.training import fit as fitting
from ml.training.augment import STILL
from ml.training.dataset import preprocessing
from ml.training.fit import fit, history, logits
from ml.training.module import Classifier
from ml.training.recipe import Recipe
from tests.ml.data.published import write_busbra, write_busi

SMALL = Recipe(network="tiny", size=48, growth=((32, 1),), epochs=2, batch_size=8, lesion_free_share=0.2)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("data")
    return data.read_all({"bus-bra": write_busbra(root / "a"), "busi": write_busi(root / "b")})


def test_a_run_is_done_once_and_read_back_afterwards(samples, tmp_path):
    first, words = fit(SMALL, "random", samples, [], tmp_path)
    written = (tmp_path / "network.safetensors").stat().st_mtime_ns
    second, again = fit(SMALL, "random", samples, [], tmp_path)
    assert (tmp_path / "network.safetensors").stat().st_mtime_ns == written
    assert words == again == "random values"
    np.testing.assert_array_equal(*(logits(n, samples, preprocessing(SMALL)) for n in (first, second)))
    assert not list(tmp_path.glob("*.ckpt"))


def test_equal_seeds_give_equal_networks(samples, tmp_path):
    networks = [fit(SMALL, "random", samples, [], tmp_path / str(i))[0].state_dict() for i in range(2)]
    assert all(torch.equal(value, networks[1][key]) for key, value in networks[0].items())


@pytest.mark.parametrize(
    ("able", "chosen"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": False, "avx512_bf16": True}, "32-true"),  # slower there than float32
        ({}, "32-true"),
    ],
)
def test_bfloat16_is_for_processors_with_tiles_for_it(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert fitting.precision() == chosen


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_a_run_clips_its_gradients_in_either_precision(samples, tmp_path, monkeypatch, precision):
    monkeypatch.setattr(fitting, "precision", lambda: precision)
    fit(SMALL, "random", samples, [], tmp_path)
    assert all(np.isfinite(history(tmp_path)["train_loss"]))


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        ("resnet14x2", ("conv1", "bn1", "layer1")),
        pytest.param("efficientnet_lite0x3", ("stem", "block1", "block2"), marks=pytest.mark.slow),
    ],
)
def test_a_committee_is_the_mean_of_members_that_saw_other_views(name, frozen, samples, tmp_path):
    recipe = SMALL.model_copy(update={"network": name, "epochs": 1, "growth": (), "frozen": frozen})
    kind, *others = networks.spec(name).members
    start = tmp_path / "start.safetensors"
    checkpoint.write_tensors(networks.build(kind, 3), start)
    committee, _ = fit(recipe, str(start), samples[:16], [], tmp_path)
    parts = []
    for member in range(1 + len(others)):
        alone = networks.build(kind, 3)
        checkpoint.load_strictly(
            alone, checkpoint.read_tensors(tmp_path / f"member-{member + 1}" / "network.safetensors")
        )
        parts.append(logits(alone, samples[:16], preprocessing(SMALL)))
    found = logits(committee, samples[:16], preprocessing(SMALL))
    np.testing.assert_allclose(found, np.mean(parts, axis=0), atol=1e-4)
    assert not np.allclose(parts[0], parts[1], atol=1e-3)
    assert history(tmp_path)["train_loss"]


@pytest.mark.slow
def test_a_run_learns_what_can_be_learnt(samples, tmp_path):
    recipe = SMALL.model_copy(update={"epochs": 25, "growth": (), "lr": 3e-3, "average_decay": 0.5})
    network, _ = fit(recipe, "random", samples, [], tmp_path)
    found = logits(network, samples, preprocessing(recipe)).argmax(axis=1)
    malignant = np.array([sample.label == "malignant" for sample in samples])
    assert ((found == 1) == malignant).mean() > 0.9


def test_a_run_goes_on_from_its_last_whole_epoch(samples, tmp_path, monkeypatch):
    stop_after_one = Classifier.on_train_epoch_start

    def killed(self: Classifier) -> None:
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        stop_after_one(self)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "on_train_epoch_start", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            fit(SMALL, "random", samples, [], tmp_path)
    assert (tmp_path / "last.ckpt").exists()
    assert not (tmp_path / "network.safetensors").exists()
    epochs: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "on_train_epoch_start", lambda self: epochs.append(self.current_epoch))
        resumed, _ = fit(SMALL, "random", samples, [], tmp_path)
    assert epochs == [1]
    unbroken, _ = fit(SMALL, "random", samples, [], tmp_path / "unbroken")
    torch.testing.assert_close(dict(resumed.state_dict()), dict(unbroken.state_dict()))


def test_with_validation_samples_it_stops_early_and_keeps_the_best(samples, tmp_path):
    train, validation = splits.hold_out(samples, 0.25)
    recipe = SMALL.model_copy(update={"epochs": 30, "patience": 1, "lr": 0.5})
    fit(recipe, "random", train, validation, tmp_path)
    losses = history(tmp_path)["val_loss"]
    assert len(losses) < 30


def test_frozen_stages_keep_weights_and_statistics(samples):
    recipe = SMALL.model_copy(update={"frozen": ("stem",)})
    module = Classifier(recipe, networks.build("tiny", 3)).train()
    assert not module.network.stem.training
    assert module.network.layer1.training
    assert not any(p.requires_grad for p in module.network.stem.parameters())


def test_frozen_stages_are_kept_to_the_last_bit(samples, tmp_path):
    """Else members of a committee that were broken off at different epochs could not share them."""
    recipe = SMALL.model_copy(update={"frozen": ("stem",)})
    init = tmp_path / "given.safetensors"
    checkpoint.write_tensors(networks.build("tiny", 3), init)
    trained, _ = fit(recipe, str(init), samples, [], tmp_path)
    given = checkpoint.read_tensors(init)
    for name, value in trained.stem.state_dict().items():
        assert torch.equal(value, given[f"stem.{name}"]), name


def test_in_the_first_phase_given_weights_and_their_statistics_stay(samples, tmp_path, monkeypatch):
    start = tmp_path / "start.safetensors"
    given = networks.build("tiny", 3)
    given.fc = torch.nn.Linear(1, 1)  # of another shape: the classifier isn't given
    checkpoint.write_tensors(given, start)
    recipe = SMALL.model_copy(
        update={"head_epochs": 2, "epochs": 3, "mask_weight": 0, "grade_weight": 0, "average_decay": 0}
    )
    seen = []
    monkeypatch.setattr(
        Classifier,
        "on_train_epoch_end",
        lambda self: seen.append({k: v.clone() for k, v in self.network.state_dict().items()}),
    )
    fit(recipe, str(start), samples, [], tmp_path)
    for name, value in given.state_dict().items():
        if not name.startswith("fc"):
            assert torch.equal(seen[1][name], value), name
    assert not torch.equal(seen[0]["fc.weight"], seen[1]["fc.weight"])
    assert not torch.equal(seen[2]["stem.0.weight"], seen[1]["stem.0.weight"])
    assert not torch.equal(seen[2]["stem.1.running_mean"], seen[1]["stem.1.running_mean"])


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_adam_may_keep_its_rate_or_follow_a_plateau(samples, tmp_path, schedule):
    plain = {"mask_weight": 0, "grade_weight": 0, "optimiser": "adam", "schedule": schedule}
    fit(SMALL.model_copy(update=plain), "random", samples, samples[:8], tmp_path)
    assert len(history(tmp_path)["val_loss"]) == 2


def test_without_augmentation_training_sees_what_serving_sees(samples):
    recipe = SMALL.model_copy(update={"augmentation": STILL, "growth": (), "size": 90})
    views, plain = (
        dataset.Views(samples[:2], recipe),
        dataset.Plain(samples[:2], recipe.classes, preprocessing(recipe)),
    )
    np.testing.assert_allclose(views[1][0], plain[1][0], atol=0.1)
    assert torch.equal(views[1][0], views[3][0])


def test_a_scan_may_be_turned_over_where_the_recipe_says_so():
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:16] = 200
    over = STILL.model_copy(update={"upside_down": True})
    seen = {
        augment.view(pixels, np.zeros((64, 64), np.float32), 64, np.random.default_rng(i), over)[0][5, 5] > 99
        for i in range(8)
    }
    assert seen == {False, True}


def test_what_is_not_frozen_trains_in_training_mode(samples, tmp_path, monkeypatch):
    """Lightning leaves modes as it finds them; building the heads puts the network into evaluation mode."""
    seen: list[bool] = []
    monkeypatch.setattr(
        Classifier, "on_train_epoch_start", lambda self: seen.append(self.network.layer2.training)
    )
    fit(SMALL, "random", samples, [], tmp_path)
    assert seen == [True, True]


def test_statistics_are_kept_on_request(samples, tmp_path):
    recipe = SMALL.model_copy(update={"keep_statistics": True, "average_decay": 0})
    network, _ = fit(recipe, "random", samples, [], tmp_path)
    assert torch.equal(network.layer2[1].running_mean, torch.zeros(32))
    assert not torch.equal(network.layer2[1].bias, torch.zeros(32))


def test_lesion_free_crops_hold_no_lesion_and_are_few(samples):
    crops = dataset.lesion_free_crops(samples, 0.2, seed=1)
    assert 0 < len(crops) <= 0.2 * len(samples)
    for crop in crops:
        original = next(sample for sample in samples if sample.path == crop.path)
        x0, y0, x1, y1 = crop.crop
        assert crop.label == "normal"
        assert crop.patient == original.patient
        assert not lesion(original)[y0:y1, x0:x1].any()


def test_a_view_depends_on_seed_epoch_and_index_alone(samples):
    views = dataset.Views(samples, SMALL)
    first = views[3][0]
    assert torch.equal(first, views[3][0])
    assert first.shape == (3, 32, 32)
    assert views[3 + len(views)][0].shape == (3, 48, 48)


def test_mask_and_image_move_together(samples):
    """Where the mask is drawn into the image, it is still there after turning, scaling and shifting."""
    views = dataset.Views(samples[:1], SMALL.model_copy(update={"growth": ()}))
    [(_, mask)] = views.sources[48]
    views.sources[48] = [((mask * 255).astype(np.uint8), mask)]
    for epoch in range(8):
        image, _, lesion, known, _ = views[epoch * len(views)]
        assert bool(known)
        grey = image[0] > image[0].median() + 0.4
        inside = (lesion[0] > 0.6).numpy()
        assert grey.numpy()[inside].mean() > 0.8


def test_the_log_has_a_training_loss_an_epoch(samples, tmp_path):
    fit(SMALL, "random", samples, [], tmp_path)
    assert len(history(Path(tmp_path))["train_loss"]) == 2


def test_inputs_grow_by_the_epoch():
    recipe = Recipe(size=96, growth=((32, 2), (64, 1)), epochs=5)
    assert [recipe.side(epoch) for epoch in range(5)] == [32, 32, 64, 96, 96]
