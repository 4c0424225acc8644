"""Engines: the same answer as torch, the same bits every time, in any thread, alone or together."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
import torch

from ml import networks
from ml.engine import (
    EngineDisagreesError,
    OnnxEngine,
    TorchEngine,
    UnsupportedLayerError,
    create,
    onnx_engine,
)
from ml.engine.onnx_engine import graph_of, session
from ml.engine.onnx_graph import INPUT, Graph, emit
from ml.engine.outputs import tapped
from ml.engine.torch_engine import Tapped
from ml.errors import InputSizeError
from tests.ml.networks.kinds import QUICK

SIZE = 64


def trained(name):
    """Random weights with the BatchNorm statistics of real data, as after training."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        network = networks.build(name, 3).train()
        with torch.no_grad():
            network(torch.randn(8, 3, SIZE, SIZE))
    return network.eval()


def images(n=3):
    return np.random.default_rng(2).normal(size=(n, 3, SIZE, SIZE)).astype(np.float32)


def parts(outputs):
    return (outputs.maps, outputs.logits, outputs.features)


@pytest.fixture(scope="module", params=QUICK)
def system(request):
    network = trained(request.param)
    return request.param, network, OnnxEngine(network, request.param, SIZE, threads=1)


def test_onnx_answers_like_torch_to_1e_4_for_every_registered_network(system):
    name, network, engine = system
    for ours, theirs in zip(
        parts(engine.run(images())), parts(TorchEngine(network, name).run(images())), strict=True
    ):
        assert ours.dtype == np.float32
        assert np.abs(theirs).max() > 1e-3, "zeros would agree with anything"
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max(), rtol=0)


def test_the_logits_are_those_of_the_whole_network(system):
    _, network, engine = system
    with torch.no_grad():
        expected = network(torch.from_numpy(images())).numpy()
    np.testing.assert_allclose(engine.run(images()).logits, expected, atol=1e-5)


def test_the_bare_graph_gives_the_logits_alone(system):
    name, network, engine = system
    answers = session(graph_of(network, name, SIZE, bare=True), threads=1).run(None, {INPUT: images()})
    assert len(answers) == 1
    np.testing.assert_allclose(answers[0], engine.run(images()).logits, atol=1e-5)


def test_the_graph_sums_the_maps_itself_where_every_image_has_the_same_weights(system):
    name, network, _ = system
    first = onnx.load_from_string(graph_of(network, name, SIZE)).graph.output[0].name
    pools_where_it_draws = name == "resnet14_lesion"
    assert first == ("activations" if pools_where_it_draws else "maps")


def test_the_graph_obeys_the_onnx_standard(system):
    name, network, _ = system
    onnx.checker.check_model(onnx.load_from_string(graph_of(network, name, SIZE)), full_check=True)


def test_features_are_the_mean_and_deviation_of_what_enters_each_convolutional_stage():
    network = trained("tiny")
    x = torch.from_numpy(images())
    with torch.no_grad():
        stages = [network.stem(x), network.layer1(network.stem(x))]
    expected = torch.cat([s for a in stages for s in (a.mean((2, 3)), a.std((2, 3), correction=0))], dim=1)
    np.testing.assert_allclose(
        TorchEngine(network, "tiny").run(images()).features, expected.numpy(), atol=1e-5
    )


def test_the_same_batch_gives_the_same_bits_again_and_in_any_thread(system):
    _, _, engine = system
    expected = parts(engine.run(images(1)))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: parts(engine.run(images(1))), range(12)))
    assert all(np.array_equal(a, b) for answer in answers for a, b in zip(answer, expected, strict=True))


def test_a_row_alone_is_the_row_in_a_batch_to_1e_5(system):
    _, _, engine = system
    together = engine.run(images())
    for row in range(3):
        alone = engine.run(images()[row : row + 1])
        np.testing.assert_allclose(alone.logits[0], together.logits[row], atol=1e-5)


def test_a_graph_that_answers_otherwise_is_refused(monkeypatch):
    other = graph_of(trained("tiny"), "tiny", SIZE)
    monkeypatch.setattr(onnx_engine, "graph_of", lambda *_: other)
    with torch.random.fork_rng():
        network = networks.build("tiny", 3).eval()
    with pytest.raises(EngineDisagreesError, match="torch engine"):
        OnnxEngine(network, "tiny", SIZE)


def test_weights_that_are_not_numbers_are_refused():
    network = trained("tiny")
    torch.nn.init.constant_(network.fc.bias, float("nan"))
    with pytest.raises(EngineDisagreesError):
        OnnxEngine(network, "tiny", SIZE)


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.LSTM(3, 3),
        torch.nn.Conv2d(3, 3, 3, padding="same"),
        torch.nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        torch.nn.BatchNorm2d(3, track_running_stats=False),
        torch.nn.BatchNorm2d(3, affine=False),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.MaxPool2d(2, ceil_mode=True),
    ],
    ids=repr,
)
def test_a_layer_without_an_onnx_form_is_an_error_with_a_remedy(layer):
    with pytest.raises(UnsupportedLayerError, match="torch engine"):
        emit(layer, Graph(SIZE), INPUT)


def test_without_a_gpu_onnx_is_chosen_and_torch_may_be_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert create(trained("tiny"), "tiny", SIZE).name == "onnx"
    assert create(trained("tiny"), "tiny", SIZE, "torch").name == "torch-cpu"


def test_a_network_with_a_layer_that_has_no_onnx_form_is_served_by_torch_which_is_logged(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = networks.build("efficientnet_b0", 3).eval()
    with caplog.at_level("INFO", "ml.engine"):
        engine = create(network, "efficientnet_b0", 32)
    assert engine.name == "torch-cpu"
    assert "efficientnet_b0 is served by torch: The layer SiLU" in caplog.text
    with pytest.raises(UnsupportedLayerError):
        create(network, "efficientnet_b0", 32, "onnx")


def test_an_input_size_that_the_network_does_not_take_is_refused():
    with pytest.raises(InputSizeError, match="at least 32"):
        create(trained("tiny"), "tiny", 31)


def test_where_no_stage_convolves_the_features_are_those_of_what_leaves_the_trunk():
    trunk = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    assert tapped(trunk) == [False, False, True]
    assert tapped(torch.nn.Sequential(trunk, trunk)) == [False, True, False]


def test_an_engine_leaves_the_network_and_the_process_as_they_were():
    network = trained("tiny")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    threads, tf32 = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    engine = create(network, "tiny", SIZE, "onnx")
    engine.run(images())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == (threads, tf32)
    assert Tapped(network, "tiny").trunk[0] is network.stem
