"""The bench compares like with like."""

import json

import pytest
import torch

from ml import bench, networks
from ml.__main__ import main
from ml.bench import GOALS, _judge
from ml.bench_candidates import hooked_grad_cam
from ml.explain import grad_cam


def test_the_hook_based_heatmaps_that_we_time_are_the_ones_that_we_draw():
    network = networks.build("tiny", 3).eval().requires_grad_(False)
    trunk, head = networks.split(network, "tiny")
    x = torch.randn(2, 3, 32, 32)
    hooked = hooked_grad_cam(network, "layer2", x, 3)
    torch.testing.assert_close(hooked, grad_cam(head, trunk(x))[1], atol=1e-6, rtol=1e-5)
    assert hooked.any()
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_ratio_is_the_median_of_the_rounds_own_ratios():
    times = {"predict": [11.0, 210.0, 12.0], "bare": [10.0, 200.0, 10.0]}
    judged = _judge(GOALS[0], times)
    assert (judged["ratio"], judged["reached"], judged["goal"]) == (1.1, True, "<= 1.15")


def test_networks_are_measured_in_the_same_rounds(monkeypatch):
    ran = []

    def candidates(name, folder, threads):
        kinds = ("bare", "predict", "eager", "hooks", "decode", "draw")
        return {kind: lambda kind=kind: ran.append((name, kind)) for kind in kinds}

    monkeypatch.setattr(bench, "candidates", candidates)
    found = bench.measure(("resnet18", "resnet50"), 3)
    assert len(ran) == 4 * 2 * 6, "one call to warm up, three to measure"
    assert ran == 4 * ran[:12]
    assert [entry["prediction_beside"]["network"] for entry in found] == ["resnet18", "resnet18"]
    assert found[0]["prediction_beside"]["ratio"] == 1


@pytest.mark.slow
def test_the_bench_prints_a_table_and_json(capsys):
    assert main(["bench", "--network", "resnet18", "--rounds", "2"]) == 0
    table, _, report = capsys.readouterr().out.partition("\n{")
    entry = json.loads("{" + report)["networks"][0]
    assert entry["median_ms"].keys() == {"bare", "predict", "eager", "hooks", "decode", "draw"}
    assert len(entry["goals"]) == len(GOALS)
    assert "bare forward pass" in table
