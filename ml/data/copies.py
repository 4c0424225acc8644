"""Near copies: images whose thumbnails correlate. Finds re-saved, resized and re-annotated copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml import imaging

SIDE = 48
CORRELATION = 0.93
"""Pearson correlation of 48 x 48 thumbnails above which two images count as near copies."""


def thumbnails(paths: Sequence[Path]) -> NDArray[np.float32]:
    """float32 (N, 48 * 48): each row with mean 0 and norm 1 (a blank image is all zeros)."""
    rows = np.empty((len(paths), SIDE * SIDE), dtype=np.float32)
    for row, path in zip(rows, paths, strict=True):
        pixels = imaging.decode(path.read_bytes()).pixels
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        row[:] = small / max(float(np.linalg.norm(small)), 1e-6)
    return rows


def group_names(paths: Sequence[Path], correlation: float = CORRELATION) -> list[str]:
    """For each image the name of its group: that of the group's first image, in the order given.

    Groups are closed under "is a near copy of": a chain of copies is one group.
    """
    rows = thumbnails(paths)
    parent = list(range(len(paths)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for first, second in zip(*np.nonzero(np.triu(rows @ rows.T > correlation, k=1)), strict=True):
        low, high = sorted((root(int(first)), root(int(second))))
        parent[high] = low
    return [paths[root(index)].stem for index in range(len(paths))]
