"""Keys under which near copies find each other, so that not every pair of images has to be compared.

A key is a band of signs of low cosine frequencies (as in perceptual hashes: Zauner 2010, "Implementation and
benchmarking of perceptual image hash functions") of the middle of an image; what is constant across, as depth
is in all scans, is left out. An image is kept under one key a band. It is sought under the keys that the
middle of the other would have had, were one of the two mirrored, or cropped by up to 5% on any sides, and
again with each of the weakest signs turned over. Whether what is found is a copy, `ml.data.likeness` says.

Keys stand in databases: where their rule changes, they have to be made anew, from the descriptors.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ml.data.likeness import SIDE
from ml.types import Gray

BANDS, BITS, WEAK = 5, 20, 4
"""Keys an image has; signs in each; how many of these, the weakest, are tried both ways."""

_MARGIN, _CROP = 4, 3
"""Pixels of `SIDE`: what is left out on each side, so that the middle is there after a crop of 5%."""
_HIGHEST = 8
_FREQUENCIES = np.array(
    [pair for pair in product(range(_HIGHEST), range(1, _HIGHEST)) if 2 <= sum(pair) <= _HIGHEST]
)
"""(n, 2): half periods down and across the middle."""
_DEAL = np.random.RandomState(0)  # its stream is frozen (NumPy enhancement proposal 19)
_BANDS = np.stack([_DEAL.permutation(len(_FREQUENCIES))[:BITS] for _ in range(BANDS)])
_POWERS = 1 << np.arange(BITS, dtype=np.int64)
_OFFSETS = np.arange(BANDS, dtype=np.int64)[:, None] << BITS

Floats = NDArray[np.float64]


def kept(descriptor: Gray) -> list[int]:
    """The keys to keep an image under, one a band, 0..BANDS * 2**BITS - 1; none where it is blank.

    `descriptor`: uint8 (60, 60), as `likeness.descriptor` makes it.
    """
    if not _shows_something(descriptor):
        return []
    signs = _coefficients(descriptor, _WINDOWS[:1]) > 0
    return [int(key) for key in (signs @ _POWERS + _OFFSETS.T).ravel()]


def sought(descriptor: Gray) -> list[int]:
    """The keys that near copies of an image may be kept under, some thousand; none where it is blank."""
    if not _shows_something(descriptor):
        return []
    both = [_coefficients(view, _WINDOWS) for view in (descriptor, descriptor[:, ::-1])]
    values = np.concatenate(both)
    weakest = np.argsort(np.abs(values), axis=-1)[..., :WEAK]
    keys = ((values > 0) @ _POWERS + _OFFSETS.T)[..., None]
    for power in np.moveaxis(_POWERS[weakest], -1, 0):
        keys = np.concatenate([keys, keys ^ power[..., None]], axis=-1)
    return [int(key) for key in np.unique(keys)]


def _shows_something(descriptor: Gray) -> bool:
    """Whether there is anything to tell it by: what is constant, or changes with depth alone, has no keys."""
    return bool(np.ptp(descriptor, axis=1).max() > 1)


def _coefficients(descriptor: Gray, windows: Floats) -> Floats:
    """(w, 8, 60) down and across -> (w * w, BANDS, BITS): the frequencies of each band in each window."""
    found = np.einsum("aks,st,blt->abkl", windows, descriptor.astype(float), windows, optimize=True)
    down, across = _FREQUENCIES.T
    chosen = found[..., down, across].reshape(-1, len(_FREQUENCIES))
    # What is nothing, as in an even picture, has one sign on every machine.
    return np.asarray(np.round(chosen, 2)[:, _BANDS])


def _windows() -> Floats:
    """(7, 8, 60): cosines over where the middle of another image lies on a side of this one. First where both
    show the same; then where the other, then where this one was cropped on one end, the other, or both."""
    cuts = ((_CROP, 0), (0, _CROP), (_CROP, _CROP))
    ends = [(float(_MARGIN), float(SIDE - _MARGIN))]
    for before, after in cuts:
        scale = (SIDE - before - after) / SIDE
        ends.append((before + _MARGIN * scale, before + (SIDE - _MARGIN) * scale))
        ends.append(((_MARGIN - before) / scale, (SIDE - _MARGIN - before) / scale))
    return np.stack([_cosines(start, stop) for start, stop in ends])


def _cosines(start: float, stop: float) -> Floats:
    """(8, 60): cosines of 0..7 half periods between two places, each pixel by its share."""
    left = np.arange(SIDE)
    inside = np.clip(np.minimum(stop, left + 1) - np.maximum(start, left), 0, 1)
    phase = np.pi * (left + 0.5 - start) / (stop - start)
    return np.asarray(inside * np.cos(np.arange(_HIGHEST)[:, None] * phase))


_WINDOWS = _windows()
