"""Near copies of an image, also mirrored, resized, re-saved, re-annotated, or cropped by up to 5% a side.

Two steps. The coarse one compares all pairs: thumbnails of 12 x 12, freed of slow changes (which all scans
share: bright above, dark below), correlated under 32 guesses of what was cropped and mirrored. What passes is
aligned by an affine map that maximises the correlation (Evangelidis and Psarakis 2008, IEEE TPAMI 30:1858)
and has to correlate where both show the same. Thresholds and figures: `docs/doctor.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.data.groups import Groups
from ml.types import Gray

SIDE = 60
BLANK: Gray = np.zeros((SIDE, SIDE), dtype=np.uint8)
"""The descriptor of an image that is like no other."""

COARSE, FINE = 0.76, 0.87
"""Least correlation of thumbnails to look closer, and of aligned images to be near copies."""

_THUMBNAIL, _CROP, _OVERLAP = 12, round(0.05 * SIDE), 0.7
_BLOCK = 512
"""Rows compared at a time: 512 x 10,000 correlations are 20 MB."""
_GUESSES = tuple(product((False, True), *((0, _CROP),) * 4))
"""Mirrored, and pixels of `SIDE` cut off above, below, left, right."""
_EVERYWHERE = np.full((SIDE, SIDE), 255, dtype=np.uint8)
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-4)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Link:
    """Images number `first` < `second` are near copies: correlation 0.87..1 once aligned, maybe mirrored."""

    first: int
    second: int
    correlation: float
    mirrored: bool


def descriptor(pixels: Gray) -> Gray:
    """uint8 (H, W) -> uint8 (60, 60): all that a comparison needs of an image."""
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def links(descriptors: Sequence[Gray]) -> list[Link]:
    """Near copies among N descriptors: enough links to join each group of copies, closest first.

    Pairs that earlier links have joined are not looked at again, so that a thousand copies of one image
    give 999 links. A progress bar goes to standard error where that is a terminal.
    """
    if not descriptors:
        return []
    stack = np.stack(descriptors)
    thumbnails, found, groups = _thumbnails(stack), [], Groups(len(stack))
    with tqdm(total=len(stack), desc="compare", unit="image", disable=None) as bar:
        for start in range(0, len(stack), _BLOCK):
            block = stack[start : start + _BLOCK]
            for row, column, guess in _candidates(block, thumbnails, start):
                if groups.of(row) != groups.of(column):
                    link = _compared(stack, row, column, guess)
                    if link:
                        groups.join(row, column)
                        found.append(link)
            bar.update(len(block))
    return sorted(found, key=lambda link: -link.correlation)


def of_one(descriptor: Gray, others: Sequence[Gray], most: int) -> list[Link]:
    """Links of one image, number 0, with its near copies among `others`, numbered from 1; closest first.

    The rule of `links`, each pair seen from both sides; but of either side only the `most` pairs whose
    thumbnails are most alike are aligned, so that the time is bounded.
    """
    if not others:
        return []
    stack = np.stack([descriptor, *others])
    thumbnails, found = _thumbnails(stack), dict[int, Link]()
    larger = islice(_candidates(stack[:1], thumbnails, 0), most)
    smaller = islice(_candidates(stack[1:], thumbnails[:1], 1), most)
    for row, column, guess in chain(larger, smaller):
        if row + column not in found:  # one of the two is number 0
            link = _compared(stack, row, column, guess)
            if link:
                found[row + column] = link
    return sorted(found.values(), key=lambda link: -link.correlation)


def grouped(descriptors: Sequence[Gray]) -> list[int]:
    """For each image the number of the first one of its group of near copies."""
    groups = Groups(len(descriptors))
    for link in links(descriptors):
        groups.join(link.first, link.second)
    return [groups.of(index) for index in range(len(descriptors))]


def _thumbnails(stack: NDArray[np.uint8]) -> Floats:
    """(N, H, W) -> float32 (N, 144), mean 0 and norm 1 a row; zeros where the image is blank."""
    rows = np.empty((len(stack), _THUMBNAIL**2), dtype=np.float32)
    for row, image in zip(rows, stack, strict=True):
        small = cv2.resize(image, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        row[:] = (small - cv2.GaussianBlur(small, (0, 0), _THUMBNAIL / 6)).ravel()
    rows -= rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norms > 1, rows / np.maximum(norms, 1), 0).astype(np.float32)


def _candidates(block: NDArray[np.uint8], thumbnails: Floats, start: int) -> Iterator[tuple[int, int, int]]:
    """(row, column, number of the guess) of what is alike, most alike first. The row is the larger view."""
    best = np.full((len(block), len(thumbnails)), COARSE, dtype=np.float32)
    which = np.full(best.shape, -1, dtype=np.int8)
    for number, guess in enumerate(_GUESSES):
        alike = _thumbnails(_cut(block, guess)) @ thumbnails.T
        better = alike > best
        best[better] = alike[better]
        which[better] = number
    rows, columns = np.nonzero(which >= 0)
    for at in np.argsort(-best[rows, columns], kind="stable"):
        if start + rows[at] != columns[at]:
            yield start + int(rows[at]), int(columns[at]), int(which[rows[at], columns[at]])


def _cut(stack: NDArray[np.uint8], guess: tuple[bool, int, int, int, int]) -> NDArray[np.uint8]:
    mirrored, top, bottom, left, right = guess
    turned = stack[..., ::-1] if mirrored else stack
    return np.ascontiguousarray(turned[:, top : SIDE - bottom, left : SIDE - right])


def _compared(stack: NDArray[np.uint8], row: int, column: int, guess: int) -> Link | None:
    mirrored, top, bottom, left, right = _GUESSES[guess]
    whole, part = _plain(stack[row][:, ::-1] if mirrored else stack[row]), _plain(stack[column])
    across, down = (SIDE - left - right) / SIDE, (SIDE - top - bottom) / SIDE
    start = np.array(
        [[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2]], dtype=np.float32
    )
    correlation = _aligned(whole, part, start)
    if correlation < FINE:
        return None
    return Link(min(row, column), max(row, column), correlation, bool(mirrored))


def _plain(image: Gray) -> Floats:
    """Freed of speckle and of slow changes."""
    smooth = cv2.GaussianBlur(np.ascontiguousarray(image, dtype=np.float32), (0, 0), 1.0)
    return np.asarray(smooth - cv2.GaussianBlur(smooth, (0, 0), SIDE / 6), dtype=np.float32)


def _aligned(whole: Floats, part: Floats, start: Floats) -> float:
    """Correlation of `part` with what it shows of `whole`, the best that is found near `start`."""
    try:
        answer = cv2.findTransformECC(part, whole, start.copy(), cv2.MOTION_AFFINE, _STOP, _EVERYWHERE, 1)
        found = np.asarray(answer[1], dtype=np.float32)
    except cv2.error:  # no better place was found
        found = start
    warp = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(whole, found, (SIDE, SIDE), flags=warp)
    inside = cv2.warpAffine(np.ones_like(whole), found, (SIDE, SIDE), flags=warp) > 0.99
    if inside.mean() < _OVERLAP:
        return 0.0
    first, second = moved[inside] - moved[inside].mean(), part[inside] - part[inside].mean()
    return float((first * second).sum() / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-6))
