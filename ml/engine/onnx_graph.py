"""A network as an ONNX graph, written out layer by layer.

torch's own exporter takes seconds to tens of seconds and changes state of the process while it runs;
the layers of our networks are few, so each is written down here, in milliseconds, in memory and in any
thread. A new kind of layer is one more function with `@emit.register`. `OnnxEngine` compares what
the graph answers with torch's answer before it serves, so a slip here can't go unnoticed.

Operators: ONNX opset 17 (https://onnx.ai/onnx/operators/).
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from ml.errors import NetworkError
from ml.networks.committee import Branches
from ml.networks.efficientnet_lite import InvertedResidual

INPUT = "images"
OPSET = 17
IR_VERSION = 8  # the file format that came with opset 17; newer ones need a newer ONNX Runtime


class UnsupportedLayerError(NetworkError):
    """A layer for which no ONNX operators are written down."""

    code = "unsupported_layer"
    default_remedy = "Serve this network with the torch engine, or add the layer to ml/engine/onnx_graph.py."


class Graph:
    """Nodes and weights, collected in the order in which they are computed."""

    def __init__(self, side: int) -> None:
        """`side` of the input in pixels: what samples an image anew has to know it."""
        self.side = side
        self.inner: list[str] = []  # what layers have within whose statistics are wanted
        self._parts: dict[str, tuple[str, ...]] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append one node; returns the name of its output."""
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def weight(self, tensor: Tensor) -> str:
        return self.constant(tensor.detach().cpu().numpy())

    def constant(self, values: ArrayLike, kind: DTypeLike = np.float32) -> str:
        name = f"weight_{len(self._weights)}"
        array = np.ascontiguousarray(values, dtype=kind)
        self._weights.append(numpy_helper.from_array(array.reshape(np.shape(values)), name))
        return name

    def part(self, x: str, start: int, stop: int, axis: int = 1) -> str:
        """x[..., start:stop, ...] of one axis."""
        bounds = [self.constant([value], np.int64) for value in (start, stop, axis)]
        return self.add("Slice", x, *bounds)

    def side_by_side(self, *parts: str) -> str:
        """Channels of several values, equally many each: (N, K, h, w) -> (N, n K, h, w). Where all that use
        them ask for the `parts`, the whole is never written."""
        whole = self.add("Concat", *parts, axis=1)
        self._parts[whole] = parts
        return whole

    def parts(self, x: str) -> tuple[str, ...]:
        """What a value was put together from by `side_by_side`, or itself."""
        return self._parts.get(x, (x,))

    def serialise(self, outputs: dict[str, tuple[str, int]]) -> bytes:
        """`outputs`: public name -> (name of a node's output, number of dimensions)."""
        for public, (inner, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [inner], [public]))
        batch = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", 3, self.side, self.side])
        answers = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *[None] * (rank - 1)])
            for name, (_, rank) in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, "secondread", [batch], answers, self._weights)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


@singledispatch
def emit(layer: nn.Module, graph: Graph, x: str) -> str:
    """Append `layer` in evaluation mode, applied to the value named `x`; returns its output's name.

    Raises:
        UnsupportedLayerError: a kind of layer, or a setting of it, that isn't written down here.
    """
    raise UnsupportedLayerError(f"The layer {type(layer).__name__} has no ONNX form here.")


@emit.register
def _convolution(layer: nn.Conv2d, graph: Graph, x: str) -> str:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise UnsupportedLayerError("This padding of a convolution has no ONNX form here.")
    inputs = [x, graph.weight(layer.weight)] + ([] if layer.bias is None else [graph.weight(layer.bias)])
    return graph.add(
        "Conv",
        *inputs,
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=[*layer.padding, *layer.padding],
        dilations=layer.dilation,
        group=layer.groups,
    )


@emit.register
def _norm(layer: nn.BatchNorm2d, graph: Graph, x: str) -> str:
    statistics = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    if any(values is None for values in statistics):
        raise UnsupportedLayerError(
            "A BatchNorm without weights or running statistics has no ONNX form here."
        )
    names = [graph.weight(values) for values in statistics if values is not None]
    return graph.add("BatchNormalization", x, *names, epsilon=layer.eps)


@emit.register
def _relu(layer: nn.ReLU, graph: Graph, x: str) -> str:
    return graph.add("Relu", x)


@emit.register
def _relu6(layer: nn.ReLU6, graph: Graph, x: str) -> str:
    return graph.add("Clip", x, graph.constant(layer.min_val), graph.constant(layer.max_val))


@emit.register
def _max_pool(layer: nn.MaxPool2d, graph: Graph, x: str) -> str:
    if layer.ceil_mode or layer.dilation != 1 or layer.return_indices:
        raise UnsupportedLayerError("This setting of MaxPool2d has no ONNX form here.")
    kernel, stride, padding = (_pair(value) for value in (layer.kernel_size, layer.stride, layer.padding))
    return graph.add("MaxPool", x, kernel_shape=kernel, strides=stride, pads=[*padding, *padding])


@emit.register
def _average(layer: nn.AdaptiveAvgPool2d, graph: Graph, x: str) -> str:
    if _pair(layer.output_size) != (1, 1):
        raise UnsupportedLayerError("Adaptive pooling to more than one cell has no ONNX form here.")
    pooled = [graph.add("GlobalAveragePool", part) for part in graph.parts(x)]
    return pooled[0] if len(pooled) == 1 else graph.add("Concat", *pooled, axis=1)


@emit.register
def _flatten(layer: nn.Flatten, graph: Graph, x: str) -> str:
    return graph.add("Flatten", x, axis=layer.start_dim)


@emit.register
def _linear(layer: nn.Linear, graph: Graph, x: str) -> str:
    inputs = [x, graph.weight(layer.weight)] + ([] if layer.bias is None else [graph.weight(layer.bias)])
    return graph.add("Gemm", *inputs, transB=1)


@emit.register(nn.Identity)
@emit.register(nn.Dropout)
def _nothing(layer: nn.Module, graph: Graph, x: str) -> str:
    return x


@emit.register
def _sequence(layer: nn.Sequential, graph: Graph, x: str) -> str:
    for part in layer:
        x = emit(part, graph, x)
    return x


@emit.register
def _branches(layer: Branches, graph: Graph, x: str) -> str:
    return graph.add("Concat", *(emit(branch, graph, x) for branch in layer), axis=1)


@emit.register
def _basic_block(layer: BasicBlock, graph: Graph, x: str) -> str:
    return _residual(layer, [layer.conv1, layer.bn1, layer.relu, layer.conv2, layer.bn2], graph, x)


@emit.register
def _bottleneck(layer: Bottleneck, graph: Graph, x: str) -> str:
    inner = [layer.conv1, layer.bn1, layer.relu, layer.conv2, layer.bn2, layer.relu, layer.conv3, layer.bn3]
    return _residual(layer, inner, graph, x)


@emit.register
def _inverted(layer: InvertedResidual, graph: Graph, x: str) -> str:
    inner = emit(layer.layers, graph, x)
    return graph.add("Add", x, inner) if layer.shortcut else inner


def _residual(layer: BasicBlock | Bottleneck, inner: list[nn.Module], graph: Graph, x: str) -> str:
    """He et al. 2016, figures 2 and 5: relu(F(x) + shortcut(x))."""
    branch = x
    for part in inner:
        branch = emit(part, graph, branch)
    shortcut = x if layer.downsample is None else emit(layer.downsample, graph, x)
    return graph.add("Relu", graph.add("Add", branch, shortcut))


@emit.register
def _mean_pool(layer: nn.AvgPool2d, graph: Graph, x: str) -> str:
    kernel, stride = _pair(layer.kernel_size), _pair(layer.stride)
    if _pair(layer.padding) != (0, 0) or layer.ceil_mode:
        raise UnsupportedLayerError("This setting of AvgPool2d has no ONNX form here.")
    return graph.add("AveragePool", x, kernel_shape=kernel, strides=stride)


def _pair(value: object) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)  # type: ignore[arg-type, return-value]
