"""ONNX Runtime on the CPU, from a graph written anew from the network's weights and then proved."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from ml import networks
from ml.engine import onnx_looks  # noqa: F401  it registers its layers with `emit`
from ml.engine.onnx_graph import INPUT, Graph, emit
from ml.engine.outputs import Outputs, tapped
from ml.engine.torch_engine import TorchEngine
from ml.errors import NetworkError
from ml.explain import GradCam

PARTS = ("maps", "logits", "features")
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
        self._maps_within = self._session.get_outputs()[0].name == PARTS[0]
        self._explain = GradCam(networks.split(network, name)[1])
        self._prove(TorchEngine(network, name), size)

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        first, logits, features = self._session.run(None, {INPUT: batch})
        return Outputs(first if self._maps_within else self._explain(first), logits, features)

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
    """The ONNX graph of a network with the three outputs of `Outputs`; `bare`: with logits alone.

    Where Grad-CAM's weights differ from image to image (`ml.explain.GradCam`), the first output is the
    target layer's, "activations", in the place of "maps".
    """
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
    shape = _shape(trunk, size)
    alpha = GradCam(head).weights(shape)
    first = {"activations": (x, 4)} if alpha is None else {"maps": (_maps(graph, alpha, x, shape), 4)}
    return graph.serialise({**first, "logits": logits, "features": features})


def _shape(trunk: nn.Module, size: int) -> tuple[int, int, int]:
    """K, h and w of what the target layer gives."""
    with torch.inference_mode():
        return tuple(trunk(torch.zeros(1, 3, size, size)).shape[1:])


def _maps(graph: Graph, alpha: NDArray[np.float64], x: str, shape: tuple[int, int, int]) -> str:
    """Equation 2 of Grad-CAM within the graph: the activations are large, and handing them out and summing
    them in numpy takes longer than everything else around the network."""
    (_, h, w), parts = shape, graph.parts(x)
    flat = graph.constant([0, 0, h * w], np.int64)
    sums = [
        graph.add("MatMul", graph.constant(weights[None]), graph.add("Reshape", part, flat))
        for part, weights in zip(parts, np.split(alpha, len(parts), axis=1), strict=True)
    ]
    seen = graph.add("Relu", sums[0] if len(sums) == 1 else graph.add("Sum", *sums))
    return graph.add("Reshape", seen, graph.constant([0, 0, h, w], np.int64))


def _statistics(graph: Graph, x: str) -> tuple[str, str]:
    """As in `ml/engine/torch_engine.py`. Global pooling, unlike ReduceMean, stays in the blocked layout in
    which ONNX Runtime convolves, and so spares a copy of the whole feature map."""
    mean = graph.add("GlobalAveragePool", x)
    power = graph.add("GlobalAveragePool", graph.add("Mul", x, x))
    variance = graph.add("Sub", power, graph.add("Mul", mean, mean))
    deviation = graph.add("Sqrt", graph.add("Relu", variance))
    return graph.add("Flatten", mean, axis=1), graph.add("Flatten", deviation, axis=1)
