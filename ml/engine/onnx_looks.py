"""The layers of `ml.networks.second_look` as ONNX operators, function by function as they stand there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
from torch import nn

from ml.engine.onnx_graph import Graph, emit
from ml.networks import second_look


@emit.register
def _drawing(layer: second_look.Drawing, graph: Graph, x: str) -> str:
    return graph.add("Concat", *_features_and_logit(layer, graph, x), axis=1)


def _features_and_logit(layer: second_look.Drawing, graph: Graph, x: str) -> tuple[str, str]:
    earlier = emit(layer.layer2, graph, x)
    deep = emit(layer.layer3, graph, earlier)
    both = graph.add("Add", _twice(graph, emit(layer.deep, graph, deep)), emit(layer.fine, graph, earlier))
    return _twice(graph, deep), emit(layer.draw, graph, graph.add("Relu", both))


def _twice(graph: Graph, x: str) -> str:
    """Each cell four times."""
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.add("Resize", x, "", graph.constant([1, 1, 2, 2]), mode="nearest", **how)


@emit.register
def _lesion_pool(layer: second_look.LesionPool, graph: Graph, x: str) -> str:
    width = second_look.WIDTH
    features, logit = graph.part(x, 0, width), graph.part(x, width, width + 1)
    return graph.add(
        "GlobalAveragePool", graph.add("Concat", *_spread(graph, features, _drawn(graph, logit)), axis=1)
    )


@emit.register
def _looks(layer: second_look.Looks, graph: Graph, x: str) -> str:
    grey, stem = graph.part(x, 0, 1), _on_grey(layer.stem)
    early = emit(stem[:-1], graph, emit(layer.shrink, graph, grey))
    whole = emit(stem[-1], graph, early)
    graph.inner += [early, whole]
    spread: list[str] = []
    drawings = []
    for look in cast("Iterable[second_look.Drawing]", layer.seen):
        features, logit = _features_and_logit(look, graph, whole)
        drawings.append(_drawn(graph, logit))
        spread += _spread(graph, features, drawings[-1])
    cells = second_look.cells(graph.side)
    square = _lesion_square(graph, graph.add("Mean", *drawings), cells)
    closer = emit(layer.closer, graph, emit(stem, graph, _cut_out(graph, grey, square)))
    return graph.side_by_side(*spread, _put_back(graph, closer, square, cells))


def _on_grey(stem: nn.Sequential) -> nn.Sequential:
    """The same for one channel in the place of three that are alike: a third of the first convolution."""
    first = cast("nn.Conv2d", stem[0])
    size, stride, padding = first.kernel_size, first.stride, first.padding
    grey = nn.Conv2d(1, first.out_channels, size, stride, padding, bias=False)  # type: ignore[arg-type]
    grey.weight = nn.Parameter(first.weight.sum(dim=1, keepdim=True))
    return nn.Sequential(grey, *stem[1:])


def _drawn(graph: Graph, logit: str) -> str:
    """The sigmoid, spelt out: ONNX Runtime's own is a polynomial with an error of 1e-7, which is much where
    no lesion is drawn and everything is divided by how little there is."""
    against = graph.add("Exp", graph.add("Neg", logit))
    return graph.add("Reciprocal", graph.add("Add", against, graph.constant(1)))


def _spread(graph: Graph, features: str, drawn: str) -> tuple[str, str]:
    mean = graph.add("Add", graph.add("GlobalAveragePool", drawn), graph.constant(second_look.FAINT))
    return features, graph.add("Mul", features, graph.add("Div", drawn, mean))


def _lesion_square(graph: Graph, drawn: str, cells: int) -> str:
    share = graph.add("Div", drawn, graph.add("GlobalMaxPool", drawn))
    weights = graph.add("Pow", share, graph.constant(second_look.SHARPNESS))
    powers = graph.weight(second_look.moments_of(cells))
    centres, variances = [], []
    for axes in ((1, 2), (1, 3)):
        line = graph.add("ReduceSum", weights, graph.constant(axes, np.int64), keepdims=0)
        moments = graph.add("MatMul", line, powers)
        total = graph.part(moments, 0, 1)
        centre, square = (graph.add("Div", graph.part(moments, i, i + 1), total) for i in (1, 2))
        centres.append(centre)
        variances.append(graph.add("Sub", square, graph.add("Mul", centre, centre)))
    variance = graph.add("Relu", graph.add("Max", *variances))
    spread = graph.add("Sqrt", graph.add("Add", variance, graph.constant(second_look.CELL**2)))
    half = graph.add("Mul", spread, graph.constant(second_look.SLOPE))
    half = graph.add("Add", half, graph.constant(second_look.LEAST))
    corners = [graph.add(operator, centre, half) for operator in ("Sub", "Add") for centre in centres]
    whole = graph.add("Add", graph.add("Concat", *corners, axis=1), graph.constant(0.5))
    return graph.add("Clip", whole, graph.constant(0.0), graph.constant(1.0))


def _cut_out(graph: Graph, x: str, square: str) -> str:
    side, count = second_look.patch_side(graph.side), graph.side
    at = graph.weight(second_look.middles(2 * side)[None])
    readings = []
    for low, high in _edges(graph, square):
        line = graph.add("Add", low, graph.add("Mul", graph.add("Sub", high, low), at))
        pixels = graph.add("Sub", graph.add("Mul", line, graph.constant(count)), graph.constant(0.5))
        pixels = graph.add("Clip", pixels, graph.constant(0), graph.constant(count - 1))
        pairs = graph.constant([-1, side, 2, count], np.int64)
        twice = graph.add("Reshape", _reading(graph, pixels, count), pairs)
        readings.append(graph.add("ReduceMean", twice, axes=[2], keepdims=0))
    return _read(graph, x, *readings)


def _put_back(graph: Graph, features: str, square: str, cells: int) -> str:
    side = second_look.patch_side(graph.side) // 16
    at = graph.weight(second_look.middles(cells)[None])
    readings = []
    for low, high in _edges(graph, square):
        line = graph.add("Div", graph.add("Sub", at, low), graph.add("Sub", high, low))
        places = graph.add("Sub", graph.add("Mul", line, graph.constant(side)), graph.constant(0.5))
        reading = _reading(graph, places, side)
        total = graph.add("ReduceSum", reading, graph.constant([1, 2], np.int64), keepdims=1)
        share = graph.add("Div", reading, total)
        readings.append(graph.add("Mul", share, graph.constant(cells)))
    return _read(graph, features, *readings)


def _edges(graph: Graph, square: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Left and right, top and bottom."""
    left, top, right, bottom = (graph.part(square, i, i + 1) for i in range(4))
    return (left, right), (top, bottom)


def _reading(graph: Graph, at: str, count: int) -> str:
    each = graph.add("Unsqueeze", at, graph.constant([2], np.int64))
    far = graph.add("Abs", graph.add("Sub", each, graph.constant(np.arange(count))))
    return graph.add("Relu", graph.add("Sub", graph.constant(1), far))


def _read(graph: Graph, x: str, columns: str, rows: str) -> str:
    across = graph.add("Transpose", columns, perm=[0, 2, 1])
    both = [graph.add("Unsqueeze", each, graph.constant([1], np.int64)) for each in (rows, across)]
    return graph.add("MatMul", graph.add("MatMul", both[0], x), both[1])
