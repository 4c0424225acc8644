"""Grad-CAM: equal to its definition and to Captum's, and leaving no trace."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam

from ml import networks
from ml.explain import GradCam, grad_cam
from ml.networks import Head
from tests.ml.networks.kinds import QUICK

CLASSES = 3


def images(size=64, n=2):
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(5))


SPREAD = {"tiny": 1.0, "resnet14x2": 0.2, "second_look": 0.2}
"""Of the classifier's random weights: so much that maps aren't zero and logits not endless."""


def network_of(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = networks.build(name, CLASSES)
        network.train()(images(n=8))  # statistics of BatchNorm that are not 0 and 1, as after training
    torch.nn.init.normal_(
        network.fc.weight,
        std=SPREAD.get(name, 0.05),
        generator=torch.Generator().manual_seed(5),
    )
    return network.eval()


@pytest.fixture(scope="module", params=QUICK)
def system(request):
    network = network_of(request.param)
    return request.param, network, *networks.split(network, request.param)


def maps_of(trunk, head, x):
    with torch.no_grad():
        activations = trunk(x)
    return grad_cam(head, activations)


def test_every_class_of_every_network_agrees_with_captum_to_1e_5(system):
    name, network, trunk, head = system
    x = images()
    logits, maps = maps_of(trunk, head, x)
    reference = LayerGradCam(network, network.get_submodule(networks.spec(name).target_layer))
    assert maps.amax(dim=(0, 2, 3)).gt(1e-3).sum() >= 2, "maps of zeros would agree with anything"
    for label in range(CLASSES):
        theirs = reference.attribute(x, target=label, relu_attributions=True).squeeze(1).detach()
        torch.testing.assert_close(maps[:, label], theirs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits, network(x).detach(), atol=1e-5, rtol=1e-5)


def test_the_maps_are_the_published_equations_written_out():
    head = torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(2 * 2 * 2, CLASSES))
    activations = torch.randn(1, 2, 2, 2, generator=torch.Generator().manual_seed(1))
    _, maps = grad_cam(head, activations)
    for label in range(CLASSES):
        slope = head[1].weight[label].detach().reshape(2, 2, 2)
        alpha = slope.mean(dim=(1, 2))
        expected = (alpha[:, None, None] * activations[0]).sum(0).clamp_min(0)
        torch.testing.assert_close(maps[0, label], expected)


def test_a_head_that_is_not_linear_is_differentiated_too():
    head = torch.nn.Sequential(
        torch.nn.Conv2d(4, 6, 3), torch.nn.Tanh(), torch.nn.Flatten(1), torch.nn.Linear(24, 3)
    )
    whole = torch.nn.Sequential(torch.nn.Identity(), head)
    x = images(4).repeat(1, 2, 1, 1)[:, :4]
    _, maps = grad_cam(head, x)
    theirs = LayerGradCam(whole, whole[0]).attribute(x.requires_grad_(), target=1, relu_attributions=True)
    torch.testing.assert_close(maps[:, 1], theirs.squeeze(1).detach(), atol=1e-5, rtol=1e-5)


def test_channels_that_are_no_map_add_nothing_to_one():
    head = Head(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(1), torch.nn.Linear(6, CLASSES))
    activations = torch.randn(2, 6, 4, 4, generator=torch.Generator().manual_seed(1))
    head.context = 2
    _, maps = grad_cam(head, activations)
    bare = activations.clone()
    bare[:, 4:] = 0  # in a head of one slope, that leaves the others' part as it was
    head.context = 0
    torch.testing.assert_close(maps, grad_cam(head, bare)[1])


def test_asked_for_some_classes_it_gives_those_in_that_order():
    _, head = networks.split(network_of("tiny"), "tiny")
    activations = torch.rand(2, 32, 8, 8)
    _, every = grad_cam(head, activations)
    _, some = grad_cam(head, activations, classes=[2, 0])
    assert torch.equal(some, every[:, [2, 0]])


def test_no_evidence_is_a_map_of_zeros_and_stays_one():
    _, head = networks.split(network_of("tiny"), "tiny")
    _, maps = grad_cam(head, torch.zeros(1, 32, 8, 8))
    assert maps.shape == (1, CLASSES, 8, 8)
    assert not maps.any()


def test_twice_the_activation_is_twice_the_evidence():
    _, head = networks.split(network_of("tiny"), "tiny")
    activations = torch.rand(1, 32, 8, 8)
    torch.testing.assert_close(grad_cam(head, 2 * activations)[1], 2 * grad_cam(head, activations)[1])


def test_a_map_in_a_batch_is_the_map_alone(system):
    _, _, trunk, head = system
    x = images(n=3)
    together = maps_of(trunk, head, x)[1]
    for row in range(3):
        torch.testing.assert_close(
            maps_of(trunk, head, x[row : row + 1])[1][0], together[row], atol=1e-5, rtol=1e-5
        )


HOOK_TABLES = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def traces(network):
    return {
        "training": [module.training for module in network.modules()],
        "requires_grad": [p.requires_grad for p in network.parameters()],
        "grads": [p.grad for p in network.parameters()],
        "hooks": [len(getattr(module, table)) for module in network.modules() for table in HOOK_TABLES],
        "values": [hash(t.numpy().tobytes()) for t in network.state_dict().values()],
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "threads": torch.get_num_threads(),
    }


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen weights", "trainable weights"])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_no_hook_gradient_mode_or_thread_state_is_left_behind(system, mode, frozen):
    _, network, trunk, head = system
    network.requires_grad_(not frozen)
    expected = maps_of(trunk, head, images())[1]
    with mode():
        before = traces(network)
        assert not any(before["hooks"])
        activations = trunk(images())
        wanted_grad = activations.requires_grad
        logits, maps = grad_cam(head, activations)
        assert traces(network) == before
        assert activations.requires_grad == wanted_grad
        assert activations.grad_fn is None or not activations.retains_grad
    assert all(p.grad is None for p in network.parameters())
    assert not logits.requires_grad
    assert not maps.requires_grad
    assert torch.equal(maps, expected)


def test_a_head_in_training_mode_stays_in_training_mode():
    _, head = networks.split(network_of("tiny"), "tiny")
    head.train()
    grad_cam(head, torch.rand(1, 32, 8, 8))
    assert head.training


def test_many_threads_get_the_same_bits():
    name = "resnet18"
    trunk, head = networks.split(network_of(name), name)
    with torch.no_grad():
        inputs = [trunk(images(n=1) + shift) for shift in range(4)]
    expected = [grad_cam(head, activations)[1] for activations in inputs]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda i: (i % 4, grad_cam(head, inputs[i % 4])[1]), range(64)))
    assert all(torch.equal(maps, expected[i]) for i, maps in answers)


def test_neither_the_calling_thread_nor_one_to_come_has_another_number_of_threads_afterwards():
    _, head = networks.split(network_of("tiny"), "tiny")

    def explained(_):
        before = torch.get_num_threads()
        for _ in range(20):
            grad_cam(head, torch.rand(1, 32, 8, 8))
        return before == torch.get_num_threads()

    wanted = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(explained, range(8)))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(wanted)


def test_a_head_that_fails_leaves_no_trace_either():
    _, head = networks.split(network_of("tiny"), "tiny")
    before = traces(head)
    with pytest.raises(RuntimeError):
        grad_cam(head, torch.rand(1, 31, 8, 8))
    assert traces(head) == before


def test_serving_gives_what_differentiating_each_image_gives(system):
    _, _, trunk, head = system
    serve = GradCam(head)
    for n in (2, 1, 3):  # a slope kept from an earlier batch fits the next
        x = images(n=n) + n
        with torch.no_grad():
            activations = trunk(x)
        maps = grad_cam(head, activations)[1].numpy()
        np.testing.assert_allclose(serve(activations.numpy()), maps, atol=1e-6, rtol=1e-6)


def test_serving_takes_no_slope_for_granted_where_the_head_bends():
    bent = torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(2 * 2 * 2, 4), torch.nn.Tanh())
    serve = GradCam(bent)
    for seed in range(3):
        activations = torch.randn(1, 2, 2, 2, generator=torch.Generator().manual_seed(seed))
        expected = grad_cam(bent, activations)[1].numpy()
        np.testing.assert_array_equal(serve(activations.numpy()), expected)
