"""Every method finds evidence that is known, is repeatable, and leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.attribution import METHODS, perturbations
from ml.attribution.squares import GRID, grey, numbered
from ml.evaluation.pointing import pointing
from tests.ml.attribution import spots
from tests.ml.networks.kinds import filled

ALL = sorted(name for name, method in METHODS.items() if method.fits(filled("tiny")))
"""Attention rollout needs attention, and is looked at by itself below."""


@pytest.fixture(scope="module", autouse=True)
def _spots():
    with spots.registered("spots", spots.STAGES, "cells"):
        yield


def explained(method, label, seed=0):
    return METHODS[method].explain(spots.network(), "spots", spots.image(), label, seed)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("label", "place"), [(1, spots.BRIGHT), (0, spots.DARK)])
def test_the_evidence_for_a_class_is_where_it_is_known_to_be(method, label, place):
    lesion = np.zeros((spots.SIDE, spots.SIDE), dtype=bool)
    lesion[place] = True
    given = explained(method, label)
    assert given.dtype == np.float32
    assert given.ndim == 2
    assert given.min() >= 0
    found = pointing(given, lesion)
    assert found.hit
    assert found.inside > 5 * found.chance


@pytest.mark.parametrize("method", ALL)
def test_the_same_seed_gives_the_same_map(method):
    np.testing.assert_array_equal(explained(method, 1, seed=3), explained(method, 1, seed=3))


@pytest.mark.parametrize("method", ["lime", "kernel-shap"])
def test_another_seed_draws_other_samples(method, monkeypatch):
    monkeypatch.setattr(perturbations, "SAMPLES", 60)
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network = filled("tiny")
    one, other = (METHODS[method].explain(network, "tiny", x, 1, seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen weights", "trainable weights"])
def test_no_weight_gradient_mode_or_random_state_is_changed(method, frozen):
    network = filled("tiny").requires_grad_(not frozen)
    image = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    before, drawn = image.clone(), torch.random.get_rng_state()
    METHODS[method].explain(network, "tiny", image, 2, 5)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert torch.equal(image, before)
    assert not image.requires_grad
    assert torch.is_grad_enabled()
    assert not network.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert all(p.grad is None and p.requires_grad != frozen for p in network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())


def of_squares():
    """What each square adds to the logit of class 1, against grey: exact, since cells are the squares."""
    network, image = spots.network(), spots.image()
    squares = numbered(spots.SIDE)
    blank = torch.full_like(image, grey(image))
    with torch.no_grad():
        nothing = network(blank)[0, 1]
        parts = [network(torch.where(squares == i, image, blank))[0, 1] for i in range(GRID**2)]
    return np.array([float(part - nothing) for part in parts]).reshape(GRID, GRID)


def test_kernel_shap_gives_the_shapley_values_of_a_sum():
    np.testing.assert_allclose(
        explained("kernel-shap", 1), of_squares().clip(min=0), atol=5e-3
    )  # Captum fits in float32


def test_lime_ranks_the_squares_of_a_sum_by_what_they_add():
    assert np.corrcoef(explained("lime", 1).ravel(), of_squares().clip(min=0).ravel())[0, 1] > 0.99


def test_integrated_gradients_of_all_pixels_sum_to_the_change_of_the_logit():
    given = explained("integrated-gradients", 1) * (spots.SIDE / (2 * GRID)) ** 2
    network, image = spots.network(), spots.image()
    change = network(image)[0, 1] - network(torch.full_like(image, grey(image)))[0, 1]
    assert given.sum() == pytest.approx(float(change), rel=1e-4)


def test_occlusion_is_the_fall_of_the_logit():
    given = explained("occlusion", 1)
    assert given.shape == (spots.SIDE, spots.SIDE)
    whole = float(spots.network()(spots.image())[0, 1])
    assert 0 < given.max() <= whole
    assert given[48:, :8].max() == pytest.approx(0, abs=1e-5)


def test_squares_are_numbered_by_rows_and_cover_any_side():
    for side in (7, 56, 100, 160):
        given = numbered(side)
        assert given.shape == (1, 1, side, side)
        assert given.unique().tolist() == list(range(GRID**2))
        assert (given[0, 0, 0, 0], given[0, 0, 0, -1], given[0, 0, -1, 0]) == (0, GRID - 1, GRID * (GRID - 1))


@pytest.mark.parametrize("name", ["tiny", "resnet18"])
def test_attention_rollout_is_for_networks_with_attention(name):
    assert not METHODS["attention-rollout"].fits(filled(name))


def test_attention_rollout_has_a_cell_a_patch_and_doesnt_ask_for_the_class():
    network = filled("vit_b_32")
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    rollout = METHODS["attention-rollout"]
    assert rollout.fits(network)
    given = [rollout.explain(network, "vit_b_32", image, label) for label in (0, 1)]
    assert given[0].shape == (2, 2)
    assert given[0].dtype == np.float32
    assert 0 < given[0].sum() < 1
    np.testing.assert_array_equal(given[0], given[1])
