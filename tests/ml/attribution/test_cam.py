"""The class activation maps are their published formulas, on every network."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from captum.attr import LayerGradientXActivation
from torch import nn

from ml import explain, networks
from ml.attribution import METHODS
from tests.ml.attribution.spots import registered
from tests.ml.networks.kinds import QUICK, SYSTEMS, filled

FAMILY = ("grad-cam", "grad-cam++", "layer-cam")


def image(size=64):
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(5))


def linear(channels=3, classes=3):
    """A is the image behind a ReLU; the head is one linear layer over all positions."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        fc = nn.Linear(channels * 4, classes)
    return nn.Sequential(OrderedDict({"relu": nn.ReLU(), "flatten": nn.Flatten(1), "fc": fc})).eval()


@pytest.fixture
def _linear():
    with registered("linear", ("relu", "flatten", "fc"), "relu"):
        yield


@pytest.mark.usefixtures("_linear")
@pytest.mark.parametrize("label", range(3))
def test_grad_cam_plus_plus_is_its_equations_with_real_higher_derivatives(label):
    network, x = linear(), image(2).abs()
    activations = x.double().requires_grad_()
    weight = network.fc.weight.detach().double()[label]
    y = (weight @ activations.flatten()).exp()
    first = torch.autograd.grad(y, activations, create_graph=True)[0]
    expected = torch.zeros(2, 2, dtype=torch.float64)
    for k in range(3):
        total = activations[0, k].detach().sum()
        channel = 0.0
        for i, j in np.ndindex(2, 2):
            second = torch.autograd.grad(first[0, k, i, j], activations, create_graph=True)[0][0, k, i, j]
            third = torch.autograd.grad(second, activations, retain_graph=True)[0][0, k, i, j]
            alpha = second / (2 * second + total * third)
            channel = channel + alpha.detach() * first[0, k, i, j].detach().clamp_min(0)
        expected += channel * activations[0, k].detach()
    expected = (expected / y.detach()).clamp_min(0)  # ours leaves exp(S) out
    given = METHODS["grad-cam++"].explain(network, "linear", x, label)
    assert expected.max() > 0.01
    np.testing.assert_allclose(given, expected.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("label", range(3))
@pytest.mark.parametrize("name", ["tiny", "resnet18"])
def test_layer_cam_agrees_with_captums_slope_times_activation(name, label):
    network = filled(name)
    target = network.get_submodule(networks.spec(name).target_layer)
    theirs = LayerGradientXActivation(network, target).attribute(image(), target=label)[0]
    expected = theirs.clamp_min(0).sum(dim=0).detach().numpy()  # A >= 0 behind a ReLU
    given = METHODS["layer-cam"].explain(network, name, image(), label)
    assert expected.max() > 1e-4
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6)


def test_grad_cam_is_the_map_that_is_served():
    network = filled("resnet14x2")
    body, head = networks.split(network, "resnet14x2")
    with torch.no_grad():
        activations = body(image()).numpy()
    served = explain.GradCam(head)(activations)[0]
    for label in range(3):
        given = METHODS["grad-cam"].explain(network, "resnet14x2", image(), label)
        np.testing.assert_allclose(given, served[label], rtol=1e-5, atol=1e-7)


def test_layer_cam_of_a_committee_is_the_mean_of_its_members():
    spec = networks.spec("resnet14x2")
    members = [filled("resnet14"), filled("resnet14")]
    with torch.no_grad():
        for weights in (*members[1].layer3.parameters(), members[1].fc.weight):
            weights.mul_(0.7).add_(0.001)
    given = METHODS["layer-cam"].explain(spec.join(members).eval(), "resnet14x2", image(), 1)
    alone = [METHODS["layer-cam"].explain(member, "resnet14", image(), 1) for member in members]
    assert not np.allclose(alone[0], alone[1])
    np.testing.assert_allclose(given, np.mean(alone, axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", FAMILY)
def test_channels_that_are_no_map_add_nothing_to_one(method):
    network = linear(channels=3)
    with registered("with-context", ("relu", "flatten", "fc"), "relu", context=1):
        one, other = image(2).abs(), image(2).abs()
        other[:, 2] += 7
        given = [METHODS[method].explain(network, "with-context", x, 1) for x in (one, other)]
    assert given[0].any()
    np.testing.assert_array_equal(given[0], given[1])


@pytest.mark.usefixtures("_linear")
def test_channels_below_zero_leave_grad_cam_plus_plus_finite():
    network = nn.Sequential(OrderedDict(relu=nn.Identity(), flatten=nn.Flatten(1), fc=linear().fc)).eval()
    slope = network.fc.weight.detach()[1].reshape(3, 4)
    positive = slope.argmax()
    x = torch.zeros(1, 3, 2, 2)
    x[0, positive // 4] = -2 / slope.max() / 4  # the denominator of equation 19 would be zero here
    given = METHODS["grad-cam++"].explain(network, "linear", x, 1)
    assert np.isfinite(given).all()


def check_family(name):
    network, found = filled(name), []
    for method in FAMILY:
        for label in range(3):
            given = METHODS[method].explain(network, name, image(), label)
            assert given.dtype == np.float32
            assert given.ndim == 2
            assert np.isfinite(given).all()
            assert given.min() >= 0
            found.append(given)
    # behind a SiLU, A may be below zero everywhere, and one map empty
    assert any(given.any() for given in found)


@pytest.mark.parametrize("name", QUICK)
def test_every_quick_network_has_a_finite_map_of_each_class(name):
    check_family(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_of_the_papers_has_a_finite_map_of_each_class(name):
    check_family(name)
