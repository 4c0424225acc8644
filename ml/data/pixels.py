"""What a sample shows, and where its lesion was drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml import imaging
from ml.data.samples import Sample
from ml.types import Gray


def read_pixels(sample: Sample) -> Gray:
    """The grey image, its crop taken: uint8 (H, W).

    Raises:
        ImageError, OSError: the file can't be read.
    """
    return _cropped(imaging.decode(sample.path.read_bytes()).pixels, sample)


def lesion(sample: Sample) -> NDArray[np.bool_]:
    """bool (H, W), where one of the masks is above half of its brightest: BUS-UCLM's are red, which as grey
    is 76, not 255. All False where nothing is drawn.

    Raises:
        ImageError, OSError: a mask can't be read.
        ValueError: the sample has no mask.
    """
    masks = [_cropped(imaging.decode(path.read_bytes()).pixels, sample) for path in sample.masks]
    if not masks:
        raise ValueError("the sample has no mask")
    return np.asarray(np.logical_or.reduce([mask > int(mask.max()) // 2 for mask in masks]), dtype=np.bool_)


def _cropped(pixels: Gray, sample: Sample) -> Gray:
    if sample.crop is None:
        return pixels
    x0, y0, x1, y1 = sample.crop
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])
