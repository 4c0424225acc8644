"""What Pillow can't hold: more than 8 bits in colour, 64-bit floats, TIFF planes; through OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.errors import UnsupportedImageError
from ml.imaging.shades import Picture, stretch


def read(data: bytes, page: int = 0) -> Picture:
    """One page of a PNG or TIFF whose size has been checked, upright, values brought to 0..255.

    Raises:
        UnsupportedImageError: OpenCV doesn't read it either.
    """
    encoded = np.frombuffer(data, np.uint8)
    done, pages = cv2.imdecodemulti(encoded, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    if not done or len(pages) != 1:
        raise UnsupportedImageError("Samples stored in this way aren't read.")
    array = np.asarray(pages[0])
    return np.ascontiguousarray(_eight_bit(array if array.ndim == 2 else _on_black(array)))


def _eight_bit(array: NDArray[Any]) -> Picture:
    return array if array.dtype == np.uint8 else stretch(array)


def _on_black(array: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3 or 4), blue first -> (H, W, 3), red first, transparent parts black."""
    colour = array[..., 2::-1]
    if array.shape[2] == 3:
        return colour
    opaque = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1.0
    share = array[..., 3:].astype(np.float32) / np.float32(opaque)
    darkened: NDArray[Any] = (colour * share).astype(array.dtype)
    return darkened
