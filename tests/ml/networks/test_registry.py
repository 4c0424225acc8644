"""Every registered network: its shape, size and slopes, worked out on torch's "meta" device, which has shapes
and no numbers, so that the large ones cost nothing; numbers for those that are quick."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import models

from ml import networks
from ml.errors import InputSizeError, UnknownNetworkError
from tests.ml.networks.kinds import QUICK

torch.set_num_threads(1)
SIZE = 64


@pytest.fixture(scope="module", params=networks.names())
def shape_only(request):
    """Name and network, without numbers."""
    with torch.device("meta"):
        return request.param, networks.build(request.param, 3)


@pytest.fixture(params=QUICK)
def name(request):
    return request.param


def count(network):
    return sum(p.numel() for p in network.parameters())


def counted_by_keras(network):
    """With the statistics of normalisation, as the papers that use it count."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    return count(network) + sum(norm.running_mean.numel() + norm.running_var.numel() for norm in norms)


OWN = {
    "tiny": 6_187,
    "resnet14": 2_783_555,
    "resnet14x2": 5_409_603,
    # a committee of three EfficientNet-Lite0 with one stem and two first blocks
    "efficientnet_lite0x3": 3 * 3_374_851 - 2 * (15_792 + 3),
    # three convolutions that draw the lesion, and pooled twice
    "resnet14_lesion": 2_783_555 + 12_641 + 768,
    # a committee of three ResNet-14, two of which draw and pool twice
    "second_look": 5_409_603 + (5_409_603 - 2_783_555) + 2 * (12_641 + 768),
    # the encoders of ResNet-50 and ViT-B/16, and 2,816 -> 512 -> 3
    "resnet50_vit_b_16": 23_508_032 + 85_798_656 + 1_442_304 + 1_539,
    # the convolutions of VGG19 and EfficientNet-B0, and 1,792 -> 256 -> 3
    "vgg19_efficientnet_b0": 20_024_384 + 4_007_548 + 459_008 + 771,
    # those of ResNet-50, three of AlexNet, two that refine with their norms, and 12,544 -> 512 -> 3
    "resnet50_alexnet": 23_508_032 + 994_624 + 11_207_680 + 1_180_160 + 6_425_091,
    # EfficientNet-B3's, two norms, four projections of the attention, and 1,536 -> 512 -> 3
    "efficientnet_b3_attention": 10_696_232 + 6_144 + 25_179_648 + 788_483,
}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNetworkError, match="resnet18"):
        networks.build("resnet99", 3)


def test_a_network_gives_one_logit_a_class_and_a_map_at_its_target_layer(shape_only):
    name, network = shape_only
    images = torch.rand(2, 3, SIZE, SIZE, device="meta")
    assert network.eval()(images).shape == (2, 3)
    trunk, head = networks.split(network, name)
    activations = trunk(images)
    assert activations.ndim == 4
    assert min(activations.shape[2:]) >= 2
    assert activations.shape[1] > head.context
    assert head(activations).shape == (2, 3)


def test_parameter_count_is_the_published_one(shape_only):
    name, network = shape_only
    published = networks.spec(name).published_parameters
    if published is None:
        assert count(network) == OWN[name]
    else:
        with torch.device("meta"):
            assert count(networks.build(name, 1000)) == published


LUONG_TABLE_I = {
    "densenet169": 12_647_875,
    "xception": 20_867_627,
    "vit_b_16": 85_800_963,
    "vit_b_32": 87_457_539,
    "efficientnet_b3_attention": 36_763_954 - 7,  # Keras' EfficientNet keeps mean and variance of its input
}


@pytest.mark.parametrize("name", LUONG_TABLE_I)
def test_the_networks_of_luong_2024_have_as_many_parameters_as_its_table_says(name):
    with torch.device("meta"):
        assert counted_by_keras(networks.build(name, 3)) == LUONG_TABLE_I[name]


@pytest.mark.slow
def test_every_weight_gets_a_gradient(shape_only):
    _, network = shape_only
    network.train()(torch.rand(2, 3, SIZE, SIZE, device="meta")).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


BESIDE = {
    "efficientnet_b3_attention": {"before", "attention", "behind", "fc"},
    "resnet50_alexnet": {"refine", "fc"},
    "resnet14_lesion": {"seen", "fc"},
}
"""What starts from random values besides the last stage."""


def test_imagenet_weights_of_torchvision_fill_all_but_the_layers_behind(shape_only):
    name, network = shape_only
    entry = networks.spec(name)
    given = set()
    for source in (source for source in entry.imagenet if not source.package):
        options = {"init_weights": False} if source.network == "googlenet" else {}
        with torch.device("meta"):
            theirs = models.get_model(source.network, weights=None, **options).state_dict()
        ours = {source.rename(key): value.shape for key, value in theirs.items()}
        given |= {key for key, value in network.state_dict().items() if ours.get(key) == value.shape}
    if given:
        missing = {key.partition(".")[0] for key in network.state_dict().keys() - given}
        assert missing == BESIDE.get(name, {entry.stages[-1]})


def test_the_packaged_names_of_efficientnet_lite0_are_ours_one_by_one():
    """As in that package: stem, 16 blocks counted through, head; the first block doesn't expand."""
    parts = [["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]] + 15 * [
        ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
    ]
    layers = [f"_blocks.{number}.{part}" for number, block in enumerate(parts) for part in block]
    theirs = ["_conv_stem", "_bn0", *layers, "_conv_head", "_bn1"]
    with torch.device("meta"):
        network = networks.build("efficientnet_lite0", 3)
    ours = [
        name for name, module in network.named_modules() if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))
    ]
    (source,) = networks.spec("efficientnet_lite0").imagenet
    assert [source.rename(f"{name}.weight") for name in theirs] == [f"{name}.weight" for name in ours]
    assert source.rename("_fc.weight") is None


def test_weights_in_the_old_spelling_of_torchvisions_densenet_find_their_place():
    (source,) = networks.spec("densenet169").imagenet
    old = "features.denseblock2.denselayer11.norm.1.running_mean"
    assert source.rename(old) == "features.denseblock2.denselayer11.norm1.running_mean"


def test_the_least_size_is_enough(shape_only):
    name, network = shape_only
    size = networks.spec(name).least_size
    networks.check_size(name, size)
    assert network.eval()(torch.rand(1, 3, size, size, device="meta")).shape == (1, 3)


@pytest.mark.parametrize(("name", "size"), [("alexnet", 62), ("vgg19", 31), ("vit_b_16", 72), ("tiny", 0)])
def test_an_input_that_a_network_cannot_read_is_an_error_with_a_remedy(name, size):
    with pytest.raises(InputSizeError, match="Choose a side of at least"):
        networks.check_size(name, size)


def test_stages_in_order_are_the_network(name):
    network = networks.build(name, 3).eval()
    images = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        trunk, head = networks.split(network, name)
        torch.testing.assert_close(head(trunk(images)), network(images))


STORED = {
    "efficientnet_lite0": [-0.00690, 0.03780, 0.05070],
    "resnet14": [0.00878, -0.15685, 0.08456],
    "resnet14_lesion": [-0.12815, -0.10008, 0.28607],
    "resnet14x2": [0.09717, 0.17221, 0.11617],
    "resnet18": [-0.05805, -0.05505, 0.00199],
    "resnet50": [-0.09592, 0.07222, -0.67043],
    "second_look": [0.17565, 0.05133, 0.10619],  # of the first channel: it reads grey images
    "tiny": [-0.11588, 0.07067, 0.10825],
}


def test_a_small_input_gives_the_stored_output(name):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = networks.build(name, 3).eval()
    ramp = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(ramp)[0], torch.tensor(STORED[name]), atol=1e-4, rtol=0)
