from __future__ import annotations

import pytest
import torch

from ml import networks
from ml.errors import UnknownNetworkError

torch.set_num_threads(1)
SIZE = 64


@pytest.fixture(params=networks.names())
def name(request):
    return request.param


OWN = {"tiny": 6_187, "resnet14": 2_783_555, "resnet14x2": 5_409_603}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNetworkError, match="resnet18"):
        networks.build("resnet99", 3)


def test_a_network_gives_one_logit_a_class(name):
    logits = networks.build(name, 3).eval()(torch.rand(2, 3, SIZE, SIZE))
    assert logits.shape == (2, 3)


def test_parameter_count_is_the_published_one(name):
    published = networks.spec(name).published_parameters
    if published is None:
        assert sum(p.numel() for p in networks.build(name, 3).parameters()) == OWN[name]
    else:
        assert sum(p.numel() for p in networks.build(name, 1000).parameters()) == published


def test_stages_in_order_are_the_network(name):
    network = networks.build(name, 3).eval()
    images = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        trunk, head = networks.split(network, name)
        torch.testing.assert_close(head(trunk(images)), network(images))


def test_the_target_layer_gives_a_map(name):
    trunk, _ = networks.split(networks.build(name, 3).eval(), name)
    activations = trunk(torch.rand(1, 3, SIZE, SIZE))
    assert activations.ndim == 4
    assert min(activations.shape[2:]) >= 2


def test_every_weight_gets_a_gradient(name):
    network = networks.build(name, 3).train()
    network(torch.rand(2, 3, SIZE, SIZE)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


STORED = {
    "resnet14": [0.00878, -0.15685, 0.08456],
    "resnet14x2": [0.09717, 0.17221, 0.11617],
    "resnet18": [-0.05805, -0.05505, 0.00199],
    "resnet50": [-0.09592, 0.07222, -0.67043],
    "tiny": [-0.11588, 0.07067, 0.10825],
}


def test_a_small_input_gives_the_stored_output(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = networks.build(name, 3).eval()
    ramp = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(ramp)[0], torch.tensor(STORED[name]), atol=1e-4, rtol=0)
