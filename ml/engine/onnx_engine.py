"""ONNX Runtime on the CPU, from a graph written anew from the network's weights and then proved."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from torch import nn

from ml import networks
from ml.engine import onnx_looks  # noqa: F401  it registers its layers with `emit`
from ml.engine.onnx_graph import INPUT, Graph, emit
from ml.engine.outputs import Outputs, tapped
from ml.engine.torch_engine import TorchEngine
from ml.errors import NetworkError

PARTS = ("activations", "logits", "features")
TOLERANCE = 1e-4
"""Largest difference from torch with which the engine may serve, as a share of the largest value of
that part. Seen on ResNet-18 and ResNet-50: 2e-6."""


class EngineDisagreesError(NetworkError):
    """The fast engine doesn't give torch's answer on this machine."""

    code = "engine_disagrees"
    default_remedy = "Choose the torch engine, and report the processor and the version of onnxruntime."


class OnnxEngine:
    """Safe to call from many threads; gives the same bits for the same batch."""

    name = "onnx"

    def __init__(self, network: nn.Module, name: str, size: int, threads: int | None = None) -> None:
        self._session = session(graph_of(network, name, size), threads)
        self._prove(TorchEngine(network, name), size)

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        return Outputs(*self._session.run(PARTS, {INPUT: batch}))

    def _prove(self, reference: TorchEngine, size: int) -> None:
        probe = _probe(size)
        ours, theirs = self.run(probe), reference.run(probe)
        for part in PARTS:
            if not _alike(getattr(ours, part), getattr(theirs, part)):
                raise EngineDisagreesError(f"ONNX Runtime and torch differ in the {part}.")


def _probe(size: int) -> NDArray[np.float32]:
    """Smooth noise, float32 (1, 3, size, size): as in scans, what a pixel holds is told by its neighbours. In
    white noise the last bit of where a network cuts out a part (`ml.networks.second_look`) changes what is
    there."""
    coarse = np.random.default_rng(0).normal(size=(size // 8, size // 8, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(2 * smooth.transpose(2, 0, 1)[None])


def _alike(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    if ours.shape != theirs.shape:
        return False
    return bool(np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max())  # False for NaN


def session(graph: bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session that gives the same bits each time and leaves the cores to others between calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: as many as there are cores
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def graph_of(network: nn.Module, name: str, size: int, *, bare: bool = False) -> bytes:
    """The ONNX graph of a network with the three outputs of `Outputs`; `bare`: with logits alone."""
    graph, x = Graph(size), INPUT
    statistics: list[str] = []
    trunk, head = networks.split(network, name)
    taps = tapped(trunk)
    for stage, wanted in zip(trunk, taps[:-1], strict=True):
        if wanted and not bare:
            statistics += _statistics(graph, x)
        x = emit(stage, graph, x)
    for within in () if bare else (*graph.inner, *([x] if taps[-1] else [])):
        statistics += _statistics(graph, within)
    logits = (emit(head, graph, x), 2)
    if bare:
        return graph.serialise({"logits": logits})
    features = (graph.add("Concat", *statistics, axis=1), 2)
    return graph.serialise({"activations": (x, 4), "logits": logits, "features": features})


def _statistics(graph: Graph, x: str) -> tuple[str, str]:
    """As in `ml/engine/torch_engine.py`. Global pooling, unlike ReduceMean, stays in the blocked layout in
    which ONNX Runtime convolves, and so spares a copy of the whole feature map."""
    mean = graph.add("GlobalAveragePool", x)
    power = graph.add("GlobalAveragePool", graph.add("Mul", x, x))
    variance = graph.add("Sub", power, graph.add("Mul", mean, mean))
    deviation = graph.add("Sqrt", graph.add("Relu", variance))
    return graph.add("Flatten", mean, axis=1), graph.add("Flatten", deviation, axis=1)
