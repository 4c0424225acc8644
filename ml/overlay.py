"""Heatmap and scan -> pictures. Absolute strength is kept: a map is never scaled to its own maximum."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.evidence import enlarge
from ml.types import Heatmap, Scan

OPAQUE = 0.85
"""Alpha at strength 1.0 and above: the tissue stays visible under the strongest evidence."""

_MARGIN = 8
_BAR = 14
_NUMBERS = 64
_LINE = 20
"""Pixels: margin around the scale, width of its bar, room for its numbers, height of the words."""

_LEAST = (120, 400)
"""Least height and width of a picture, in pixels, that its scale and its words fit into."""

_INFERNO = cv2.cvtColor(
    cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
)[:, 0]
"""uint8 (256, 3), RGB: perceptually even and readable in grey (van der Walt and Smith 2015)."""


def heat_png(heatmap: Heatmap, width: int, height: int) -> bytes:
    """The heatmap alone as an RGBA PNG of `width` x `height` pixels, to lay over the scan.

    Colour and alpha both grow with strength, 0 to 1, and stay there above 1: no evidence is wholly
    transparent.
    """
    return _png(_rgba(heatmap, width, height))


def scan_png(scan: Scan) -> bytes:
    """What is shown of a frame: its pixels alone, in colour where it has colour; no header, no metadata."""
    return _png(scan.pixels if scan.colour is None else scan.colour)


def picture(scan: Scan, heatmap: Heatmap) -> bytes:
    """The heatmap burned into the scan, with its words below and the scale of strength beside it, as PNG."""
    height, width = scan.pixels.shape
    bottom = max(height, _LEAST[0])
    size = (bottom + 2 * _MARGIN + _LINE, max(width + _BAR + _NUMBERS, _LEAST[1]), 3)
    canvas = np.zeros(size, np.uint8)
    canvas[:height, :width] = _burned(scan, _rgba(heatmap, width, height))
    _draw_scale(canvas, width + _MARGIN, bottom)
    _write(canvas, f"{heatmap.label}: {heatmap.words}", _MARGIN, size[0] - _MARGIN)
    return _png(canvas)


def _burned(scan: Scan, heat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shown = np.repeat(scan.pixels[..., None], 3, axis=2) if scan.colour is None else scan.colour
    alpha = heat[..., 3:].astype(np.float32) / 255
    return np.asarray((shown * (1 - alpha) + heat[..., :3] * alpha).round(), dtype=np.uint8)


def _rgba(heatmap: Heatmap, width: int, height: int) -> NDArray[np.uint8]:
    strength = enlarge(heatmap.values, height, width).clip(0, 1)
    levels = (strength * 255).round().astype(np.uint8)
    return np.dstack([_INFERNO[levels], (levels * np.float32(OPAQUE)).round().astype(np.uint8)])


def _draw_scale(canvas: NDArray[np.uint8], left: int, height: int) -> None:
    """A bar from 0 at the bottom to 1 at the top, as the colours look over black tissue."""
    top, length = 2 * _MARGIN, height - 3 * _MARGIN
    levels = np.linspace(255, 0, length).round().astype(np.uint8)
    colours = (_INFERNO[levels] * (levels[:, None] / 255 * OPAQUE)).round().astype(np.uint8)
    canvas[top : top + length, left : left + _BAR] = colours[:, None]
    cv2.rectangle(canvas, (left - 1, top - 1), (left + _BAR, top + length), (160, 160, 160), 1)
    for value in (1.0, 0.5, 0.0):
        y = top + round((1 - value) * length)
        label = f"{value:.1f}+" if value == 1 else f"{value:.1f}"
        _write(canvas, label, left + _BAR + 4, y + 4)


def _write(canvas: NDArray[np.uint8], text: str, x: int, y: int) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (220, 220, 220), 1, cv2.LINE_AA)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) -> PNG."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, order[pixels.shape[2]])
    done, data = cv2.imencode(".png", stored)
    if not done:
        raise RuntimeError("OpenCV could not write a PNG")
    return data.tobytes()
