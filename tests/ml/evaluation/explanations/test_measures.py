"""Likeness, stability and randomisation: each measure can fail, and does where it should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml import networks
from ml.evaluation.explanations.likeness import likeness
from ml.evaluation.explanations.randomisation import cascade
from ml.evaluation.explanations.stability import shifted, stability
from tests.ml.networks.kinds import filled

MAPS = arrays(np.float32, (4, 5), elements=st.floats(0, 100, width=32))


@given(MAPS, MAPS)
def test_likeness_is_a_correlation_and_the_same_both_ways(one, other):
    assert -1 - 1e-9 <= likeness(one, other) <= 1 + 1e-9
    assert likeness(one, other) == pytest.approx(likeness(other, one))


@given(MAPS)
def test_a_map_is_like_itself_at_any_strength(values):
    assert likeness(values, values) == pytest.approx(1)
    assert likeness(values, values.astype(np.float64) * 3) == pytest.approx(1)


def test_a_map_turned_over_is_its_opposite():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert likeness(values, -values) == pytest.approx(-1)
    assert likeness(values, np.exp(values)) == pytest.approx(1)


def test_maps_without_any_difference_say_the_same_and_nothing_of_others():
    flat, other = np.zeros((3, 3), np.float32), np.eye(3, dtype=np.float32)
    assert likeness(flat, flat + 2) == 1
    assert likeness(flat, other) == likeness(other, flat) == 0


def test_maps_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="can't be compared"):
        likeness(np.zeros((2, 2), np.float32), np.zeros((2, 3), np.float32))


def noise(side=40):
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("down", "right"), [(3, 0), (-3, 0), (0, 3), (0, -3)])
def test_a_shift_moves_every_pixel_and_repeats_the_edge(down, right):
    image = noise(10)
    moved = shifted(image, down, right)
    rolled = torch.roll(image, (down, right), (2, 3))
    inner = slice(3, -3)
    assert torch.equal(moved[..., inner, inner], rolled[..., inner, inner])
    assert moved.shape == image.shape
    edge = moved[0, 0, :3] if down > 0 else moved[0, 0, -3:] if down else None
    if edge is not None:
        assert torch.equal(edge, image[0, 0, : 1 if down > 0 else None][-1:].expand(3, -1))


def brightness(image):
    return image[0, 0].abs().numpy()


def test_a_map_that_moves_along_is_stable():
    assert stability(brightness, noise(), brightness(noise())) == pytest.approx(1)


def test_a_map_that_stays_where_it_was_is_not():
    fixed = brightness(noise())
    assert abs(stability(lambda image: fixed, noise(), fixed)) < 0.2


def test_a_method_that_draws_the_same_flat_map_is_stable_for_no_merit():
    flat = np.ones((5, 5), np.float32)
    assert stability(lambda image: flat, noise(), flat) == 1


def test_the_cascade_goes_from_the_last_stage_to_the_first_and_leaves_the_network_bit_identical():
    network = filled("resnet14x2")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    altered: set[str] = set()
    steps = []
    for stage, copy in cascade(network, "resnet14x2", 1):
        steps.append(stage)
        state = copy.state_dict()
        changed = {name for name in state if not torch.equal(state[name], before[name])}
        assert altered < changed
        assert {name.split(".")[0] for name in changed} == set(steps)
        altered = changed
    assert steps == ["fc", "branches", "layer1", "bn1", "conv1"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_every_weight_changes_its_place_and_none_its_size():
    network = filled("tiny")
    *_, (_, last) = cascade(network, "tiny", 1)
    for (name, random), trained in zip(last.state_dict().items(), network.state_dict().values(), strict=True):
        assert torch.equal(random.flatten().sort()[0], trained.flatten().sort()[0])
        if name.endswith("weight") and trained.unique().numel() > 1:
            assert not torch.equal(random, trained)


def test_one_seed_gives_one_random_network_and_another_seed_another():
    def first(seed):
        return next(cascade(filled("tiny"), "tiny", seed))[1].fc.weight

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_a_network_of_several_looks_is_made_random_part_by_part():
    network = networks.build("second_look", 3).eval()
    before, left = network.state_dict(), {name for name, t in network.state_dict().items() if t.numel() > 1}
    for part, copy in cascade(network, "second_look", 1):
        state = copy.state_dict()
        inside = {name for name in left if any(name.startswith(f"{each}.") for each in part.split())}
        assert inside, f"{part} holds nothing that was not random before"
        assert all(torch.equal(state[name], before[name]) for name in left - inside)
        left -= inside
    assert not left


@pytest.mark.parametrize("name", ["tiny", "resnet14", "resnet18", "resnet14x2"])
def test_in_the_end_no_stage_with_weights_is_left_as_it_was(name):
    with torch.device("meta"):
        entry = networks.spec(name)
    steps = [stage for stage, _ in cascade(filled(name), name, 1)]
    assert set(entry.stages) - set(steps) <= {"relu", "maxpool", "avgpool", "flatten"}
