"""What `python -m ml bench` times: our prediction, the bare network, torch, and a CAM made with hooks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml import checkpoint, networks, overlay
from ml.card import Calibration, CamScale, ModelCard, OperatingPoint, Preprocessing, Scope
from ml.data import phantom
from ml.engine import TorchEngine
from ml.engine.onnx_engine import graph_of, session
from ml.engine.onnx_graph import INPUT
from ml.imaging import decode
from ml.predictor import Predictor
from ml.preprocess import to_input
from ml.scope import COLOUR_SHARE, Statistics

CLASSES = ("benign", "malignant", "normal")
SIZES = {"second_look": 320, "resnet14x2": 160, "resnet18": 192, "resnet50": 224}
"""Input sides, pixels: the shipped network at its own, the others as their papers read them."""


def candidates(name: str, folder: Path, threads: int | None) -> dict[str, Callable[[], object]]:
    """Random weights: time depends on shapes alone. The scan is a synthetic one, 480 x 560 pixels."""
    folder /= name
    folder.mkdir()
    _write_weights(name, folder)
    predictor = Predictor(folder, engine="onnx", threads=threads)
    network, card = checkpoint.load(folder)
    bare = session(graph_of(network, name, SIZES[name], bare=True), threads)
    data = overlay.scan_png(decode(phantom.dicom(phantom.draw("smooth", seed=1))))
    scan = decode(data)
    x = to_input([scan.pixels], card.preprocessing)
    heat = predictor.predict_scan(scan).findings[0].heatmap
    return {
        "bare": lambda: bare.run(None, {INPUT: x}),
        "predict": lambda: predictor.predict_scan(scan),
        "eager": lambda: _eager(network, x),
        "hooks": lambda: hooked_grad_cam(network, card.target_layer, torch.from_numpy(x), len(CLASSES)),
        "decode": lambda: decode(data),
        "draw": lambda: overlay.heat_png(heat, scan.info.width, scan.info.height),
    }


def _eager(network: nn.Module, x: NDArray[np.float32]) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = network(torch.from_numpy(x))
    return logits


def hooked_grad_cam(network: nn.Module, layer: str, x: Tensor, classes: int) -> Tensor:
    """What we compare with: hooks on the target layer, and the whole network forward and backward once a
    class, as a CAM library does. Maps (N, classes, h, w)."""
    kept: dict[str, Tensor] = {}

    def keep_activations(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        kept["activations"] = output

    def keep_slopes(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
        kept["slopes"] = outputs[0]

    module = network.get_submodule(layer)
    handles = [
        module.register_forward_hook(keep_activations),
        module.register_full_backward_hook(keep_slopes),
    ]
    trainable = [parameter.requires_grad for parameter in network.parameters()]
    network.requires_grad_(True)
    maps = [_one_class(network, x, label, kept) for label in range(classes)]
    for handle in handles:
        handle.remove()
    for parameter, wanted in zip(network.parameters(), trainable, strict=True):
        parameter.requires_grad_(wanted)
    network.zero_grad()
    return torch.stack(maps, dim=1)


def _one_class(network: nn.Module, x: Tensor, label: int, kept: dict[str, Tensor]) -> Tensor:
    network.zero_grad()
    network(x)[:, label].sum().backward()
    alpha = kept["slopes"].mean(dim=(2, 3), keepdim=True)
    return (alpha * kept["activations"]).sum(dim=1).clamp_min(0).detach()


def _write_weights(name: str, folder: Path) -> None:
    """Random weights with a card and a scope test, so that every stage of a prediction is there."""
    network = networks.build(name, len(CLASSES)).eval()
    blank = np.zeros((1, 3, SIZES[name], SIZES[name]), np.float32)
    width = TorchEngine(network, name).run(blank).features.shape[1]
    ones = np.ones(width, np.float32)
    basis = np.eye(64, width, dtype=np.float32)
    scope = Statistics(0 * ones, ones, basis, ones[:64], np.ones((), np.float32)).save(folder)
    card = ModelCard(
        name="bench",
        version="0",
        network=name,
        classes=CLASSES,
        modality="US",
        preprocessing=Preprocessing(size=SIZES[name], mean=0.45, std=0.225),
        target_layer=networks.spec(name).target_layer,
        calibration=Calibration(method="none", temperature=1, bias=(0, 0, 0), fitted_on=""),
        operating_point=OperatingPoint(threshold=0.5, chosen_for="timing"),
        cam_scale=CamScale(strong=1e-3),  # random weights leave faint maps; none shall be skipped as empty
        scope=Scope(threshold=1e9, colour_share=COLOUR_SHARE, checksum=scope),
        checksum="",
        created="",
        training={},
    )
    checkpoint.save(network, card, folder)
