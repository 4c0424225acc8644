"""What runs the forward pass: ONNX Runtime on the CPU, torch on a GPU and for networks with a layer that has
no ONNX form here. Both give the same answer."""

from __future__ import annotations

import logging
from typing import Literal

import torch
from torch import nn

from ml import networks
from ml.engine.onnx_engine import EngineDisagreesError, OnnxEngine
from ml.engine.onnx_graph import UnsupportedLayerError
from ml.engine.outputs import Engine, Outputs
from ml.engine.torch_engine import TorchEngine

EngineName = Literal["auto", "onnx", "torch"]

log = logging.getLogger(__name__)

__all__ = [
    "Engine",
    "EngineDisagreesError",
    "EngineName",
    "OnnxEngine",
    "Outputs",
    "TorchEngine",
    "UnsupportedLayerError",
    "create",
]


def create(
    network: nn.Module, name: str, size: int, engine: EngineName = "auto", threads: int | None = None
) -> Engine:
    """An engine for a registered network in evaluation mode, for input of `size` x `size` pixels.

    "auto" is torch where there is a GPU, else onnx, else, where a layer has no ONNX form, torch again; the
    engine's name says which, and that last choice is logged. `threads` bounds what one forward pass of ONNX
    Runtime may use (None: every core); torch keeps the process's own setting.

    Raises:
        InputSizeError: the network doesn't take inputs of this size.
        UnsupportedLayerError: onnx was asked for, and a layer has no ONNX form.
        EngineDisagreesError: ONNX Runtime doesn't answer like torch on this machine.
    """
    networks.check_size(name, size)
    on_gpu = torch.cuda.is_available()
    if engine == "torch" or (engine == "auto" and on_gpu):
        return TorchEngine(network, name, "cuda" if on_gpu else "cpu")
    try:
        return OnnxEngine(network, name, size, threads)
    except UnsupportedLayerError as error:
        if engine == "onnx":
            raise
        log.info("%s is served by torch: %s", name, error.what)
        return TorchEngine(network, name)
