"""Grey values -> what is shown: modality LUT, VOI, polarity (PS3.3 C.11.1, C.11.2), palettes.

A frame has at most 65536 different values, so each transformation runs once over all of them and
the pixels are looked up in its result. That is quick, takes little memory, and knows the range that
the transformation can reach, not only what this frame happens to reach.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

from ml.errors import UnsupportedImageError
from ml.imaging.dicom_frames import Samples
from ml.imaging.dicom_header import PALETTE, PixelHeader
from ml.imaging.shades import Picture, finite_range, stretch

Values = NDArray[Any]
_BLOCK = 256
"""Rows looked up at a time: numpy widens indices to 64 bits."""


def shown(array: Samples, pixels: PixelHeader, header: Dataset) -> Picture:
    """Samples of one frame -> uint8 (H, W) or (H, W, 3).

    Grey: by VOI LUT or window where there is one; else up to 8 bits by the range of their depth,
    more than 8 bits by the range of the frame, padding left out.
    """
    if pixels.samples == 3:
        return array.astype(np.uint8) if pixels.stored <= 8 else _narrowed(array, pixels.stored)
    if pixels.photometric == PALETTE:
        return _looked_up(array, pixels, lambda values: _palette(values, header))
    header.BitsStored = pixels.stored  # pydicom's window asks for it, the standard's files may lack it
    header.PixelRepresentation = int(pixels.signed)
    grey = _looked_up(array, pixels, lambda values: _grey(values, array, pixels, header))
    return 255 - grey if pixels.photometric == "MONOCHROME1" else grey


def _narrowed(array: Samples, stored: int) -> Picture:
    return (array >> (stored - 8)).astype(np.uint8)


def _looked_up(array: Samples, pixels: PixelHeader, transform: Callable[[Values], Picture]) -> Picture:
    if pixels.stored > 16:
        return transform(array)
    low = _lowest(pixels)
    table = transform(np.arange(low, low + (1 << pixels.stored), dtype=np.int32))
    out = np.empty(array.shape + table.shape[1:], np.uint8)
    for top in range(0, len(array), _BLOCK):
        rows = array[top : top + _BLOCK].astype(np.int64) - low
        np.take(table, rows, axis=0, out=out[top : top + _BLOCK], mode="clip")
    return out


def _lowest(pixels: PixelHeader) -> int:
    return -(1 << pixels.stored - 1) if pixels.signed else 0


def _grey(values: Values, array: Samples, pixels: PixelHeader, header: Dataset) -> Picture:
    rescaled = apply_modality_lut(values, header)
    if header.get("VOILUTSequence"):
        depth = int(header.VOILUTSequence[0].LUTDescriptor[2])
        return stretch(apply_voi_lut(np.rint(rescaled).astype(np.int64), header), 0, (1 << depth) - 1)
    if _has_window(header):
        ends = apply_voi_lut(np.array([-math.inf, math.inf]), header, prefer_lut=False)
        return stretch(apply_voi_lut(rescaled, header, prefer_lut=False), *sorted(map(float, ends)))
    if pixels.stored <= 8:
        return stretch(rescaled, *finite_range(rescaled))
    if pixels.stored > 16:
        return stretch(rescaled)
    first, last = (int(end) - _lowest(pixels) for end in _extremes(array, header))
    return stretch(rescaled, *finite_range(rescaled[max(first, 0) : last + 1]))


def _has_window(header: Dataset) -> bool:
    """Whether there is a usable window; a width that isn't above 0 counts as none (C.11.2.1.2)."""
    widths, centers = header.get("WindowWidth"), header.get("WindowCenter")
    if widths in (None, "") or centers in (None, ""):
        return False
    width = float(widths[0] if header["WindowWidth"].VM > 1 else widths)
    exact = str(header.get("VOILUTFunction", "LINEAR")).upper() != "LINEAR"
    return math.isfinite(width) and (width > 0 if exact else width > 1)


def _extremes(array: Samples, header: Dataset) -> tuple[int, int]:
    """Smallest and largest stored value, those that only pad the frame left out (C.7.5.1.1.2)."""
    padding = header.get("PixelPaddingValue")
    if isinstance(padding, int):
        limit = header.get("PixelPaddingRangeLimit")
        low, high = sorted((padding, limit if isinstance(limit, int) else padding))
        used = array[(array < low) | (array > high)]
        array = used if used.size else array
    return int(array.min()), int(array.max())


def _palette(values: Values, header: Dataset) -> Picture:
    _refuse_segments(header)
    colours = apply_color_lut(values, header)[:, :3]
    # 16-bit tables often hold 8-bit colours
    return colours.astype(np.uint8) if int(colours.max()) < 256 else (colours >> 8).astype(np.uint8)


def _refuse_segments(header: Dataset) -> None:
    """Indirect segments repeat earlier ones, indirect ones too: 100 bytes can ask for 2**40 colours."""
    for colour in ("Red", "Green", "Blue"):
        segments = header.get(f"Segmented{colour}PaletteColorLookupTableData")
        if segments:
            raise UnsupportedImageError("Palettes in segments aren't read.")
