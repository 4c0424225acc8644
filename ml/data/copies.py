"""Near copies: images whose thumbnails correlate. Finds re-saved, resized and re-annotated copies.

BUSI's groups, and with them the split of the shipped network, are made by this rule and stay as they are;
`ml.data.likeness` finds mirrored and cropped copies too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml import imaging
from ml.data.groups import Groups
from ml.errors import DataError, ImageError

SIDE = 48
CORRELATION = 0.93
"""Pearson correlation of 48 x 48 thumbnails above which two images count as near copies."""


def thumbnails(paths: Sequence[Path]) -> NDArray[np.float32]:
    """float32 (N, 48 * 48): each row with mean 0 and norm 1 (a blank image is all zeros).

    Raises:
        DataError: images can't be read; all of them are listed.
    """
    rows = np.zeros((len(paths), SIDE * SIDE), dtype=np.float32)
    problems = []
    for row, path in zip(rows, paths, strict=True):
        try:
            pixels = imaging.decode(path.read_bytes()).pixels
        except (ImageError, OSError) as error:
            problems.append(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
            continue
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        row[:] = small / max(float(np.linalg.norm(small)), 1e-6)
    if problems:
        raise DataError(
            f"{len(problems)} images can't be read. {problems[0]}", "Fetch them again.", tuple(problems)
        )
    return rows


def group_names(paths: Sequence[Path], correlation: float = CORRELATION) -> list[str]:
    """For each image the name of its group: that of the group's first image, in the order given.

    Groups are closed under "is a near copy of": a chain of copies is one group.
    """
    rows = thumbnails(paths)
    groups = Groups(len(paths))
    for first, second in zip(*np.nonzero(np.triu(rows @ rows.T > correlation, k=1)), strict=True):
        groups.join(int(first), int(second))
    return [paths[groups.of(index)].stem for index in range(len(paths))]
