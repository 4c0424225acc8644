"""The papers' large networks with numbers in them: what they answer, explain, and serve."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam

from ml import checkpoint, networks
from ml.data import phantom
from ml.engine import TorchEngine
from ml.explain import GradCam, grad_cam
from ml.imaging import decode
from ml.networks.vit import attention_rollout
from ml.predictor import Predictor
from tests.ml.conftest import tiny_card
from tests.ml.networks.kinds import SYSTEMS, filled

pytestmark = pytest.mark.slow
SIZE = 64


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request):
    """Name, network, trunk and head."""
    network = filled(request.param)
    return request.param, network, *networks.split(network, request.param)


def images():
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(5))


STORED = {
    "alexnet": [0.04854, -0.04207, -0.0078],
    "densenet169": [0.69217, -0.16743, -0.3326],
    "efficientnet_b0": [-0.0096, 0.00654, 0.01069],
    "efficientnet_b3": [-0.00601, -0.03466, 0.0157],
    "efficientnet_b3_attention": [0.02979, 0.00527, -0.06356],
    "googlenet": [0.02681, -0.00406, 0.01231],
    "resnet50_alexnet": [-0.00823, 0.0343, 0.07713],
    "resnet50_vit_b_16": [-0.14681, -0.69674, 0.8675],
    "vgg16": [0.03239, -0.15347, -0.03765],
    "vgg19": [0.02174, 0.11204, 0.20091],
    "vgg19_efficientnet_b0": [0.042, 0.06081, 0.00133],
    "vit_b_16": [0.52105, -4.65811, -0.02053],
    "vit_b_32": [1.20117, -0.19945, 2.06922],
    "xception": [0.02446, -0.00981, -0.02176],
}


def test_a_small_input_gives_the_stored_output(system):
    name, network, _, _ = system
    ramp = torch.linspace(-1, 1, 3 * SIZE * SIZE).reshape(1, 3, SIZE, SIZE)
    expected = torch.tensor(STORED[name])
    with torch.no_grad():
        torch.testing.assert_close(network(ramp)[0], expected, atol=1e-3, rtol=1e-3)


def test_stages_in_order_are_the_network(system):
    _, network, trunk, head = system
    with torch.no_grad():
        torch.testing.assert_close(head(trunk(images())), network(images()), atol=1e-4, rtol=1e-4)


def test_grad_cam_agrees_with_captum(system):
    name, network, trunk, head = system
    with torch.no_grad():
        activations = trunk(images())
    _, maps = grad_cam(head, activations)
    reference = LayerGradCam(network, network.get_submodule(networks.spec(name).target_layer))
    assert maps.any(), "maps of zeros would agree with anything"
    for label in range(3):
        theirs = reference.attribute(images(), target=label, attr_dim_summation=False).detach()
        theirs = theirs[:, : theirs.shape[1] - head.context].sum(dim=1).clamp_min(0)
        torch.testing.assert_close(maps[:, label], theirs, atol=1e-4 * maps.max().item(), rtol=1e-3)
    assert all(parameter.grad is None for parameter in network.parameters())
    served = GradCam(head)(activations.numpy())
    np.testing.assert_allclose(served, maps, atol=1e-5 * maps.max().item(), rtol=1e-4)


def test_a_row_alone_is_the_row_in_a_batch(system):
    name, network, _, _ = system
    engine = TorchEngine(network, name)
    together = engine.run(images().numpy())
    assert together.features.shape[0] == 2
    assert np.isfinite(together.features).all()
    alone = engine.run(images()[1:].numpy())
    np.testing.assert_allclose(alone.logits[0], together.logits[1], atol=1e-3, rtol=1e-4)


def test_saved_and_loaded_it_reads_a_scan_and_explains_it(system, tmp_path):
    name, network, _, _ = system
    checkpoint.save(network, tiny_card(name, SIZE), tmp_path)
    predictor = Predictor(tmp_path)
    (tmp_path / "weights.safetensors").unlink()  # up to half a gigabyte
    scan = decode(phantom.dicom(phantom.draw("smooth", seed=1)))
    prediction = predictor.predict_scan(scan)
    assert predictor.engine.name.startswith("torch")
    assert sum(finding.probability for finding in prediction.findings) == pytest.approx(1, abs=1e-6)
    assert all(np.isfinite(finding.heatmap.values).all() for finding in prediction.findings)
    again = predictor.predict_scan(scan)
    assert [f.probability for f in again.findings] == [f.probability for f in prediction.findings]


def test_one_sigmoid_serves_a_card_of_two_classes(tmp_path):
    card = tiny_card("vgg19_efficientnet_b0", SIZE)
    two = card.model_copy(
        update={
            "classes": ("benign", "malignant"),
            "calibration": card.calibration.model_copy(update={"bias": (0.0, 0.0)}),
        }
    )
    checkpoint.save(networks.build("vgg19_efficientnet_b0", 2), two, tmp_path)
    scan = decode(phantom.dicom(phantom.draw("smooth", seed=1)))
    findings = Predictor(tmp_path).predict_scan(scan).findings
    assert [finding.label for finding in findings] == ["benign", "malignant"]
    assert sum(finding.probability for finding in findings) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["vit_b_16", "vit_b_32", "resnet50_vit_b_16"])
def test_rollout_of_every_transformer_is_shares_of_one(name):
    shares = attention_rollout(filled(name), images())
    step = 32 if name == "vit_b_32" else 16
    assert shares.shape == (2, SIZE // step, SIZE // step)
    assert shares.min() > 0
    assert shares.sum(dim=(1, 2)).max() < 1
