from __future__ import annotations

import cv2
import numpy as np
import pytest

from ml.data import likeness, phantom

SIZE = 240


def scan(seed: int) -> np.ndarray:
    """Speckle over layers: what makes scans alike (depth) and what makes them differ (tissue)."""
    rng = np.random.default_rng(seed)
    tissue = cv2.resize(
        rng.normal(0, 1, (14, 14)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    depth = np.linspace(60, -60, SIZE)[:, None]
    return np.clip(110 + depth + 35 * tissue + rng.normal(0, 12, (SIZE, SIZE)), 0, 255).astype(np.uint8)


def cropped(pixels: np.ndarray, top: float, bottom: float, left: float, right: float) -> np.ndarray:
    height, width = pixels.shape
    return pixels[
        round(top * height) : round((1 - bottom) * height), round(left * width) : round((1 - right) * width)
    ]


def saved(pixels: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


CHANGES = {
    "mirrored": lambda a: a[:, ::-1],
    "smaller": lambda a: cv2.resize(a, (99, 80), interpolation=cv2.INTER_AREA),
    "larger": lambda a: cv2.resize(a, (700, 600)),
    "saved as JPEG": lambda a: saved(a, 30),
    "cropped all round": lambda a: cropped(a, 0.05, 0.05, 0.05, 0.05),
    "cropped at one corner": lambda a: cropped(a, 0.05, 0, 0.05, 0),
    "cropped a little": lambda a: cropped(a, 0, 0.03, 0.02, 0),
    "brighter": lambda a: np.clip(a * 1.2 + 15, 0, 255),
    "written on": lambda a: cv2.putText(
        a.copy(), "LT AXILLA", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2
    ),
    "all at once": lambda a: saved(cv2.resize(cropped(a[:, ::-1], 0.04, 0.01, 0.03, 0.05), (150, 170)), 50),
}


def described(*scans: np.ndarray) -> list[np.ndarray]:
    return [likeness.descriptor(np.ascontiguousarray(pixels, dtype=np.uint8)) for pixels in scans]


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found_whichever_comes_first(change):
    original, copy, other = scan(1), CHANGES[change](scan(1)), scan(2)
    for stack in (described(original, other, copy), described(copy, other, original)):
        (link,) = likeness.links(stack)
        assert (link.first, link.second) == (0, 2)
        assert link.mirrored == (change in ("mirrored", "all at once"))
        assert likeness.FINE <= link.correlation <= 1 + 1e-6


def test_different_scans_and_blank_ones_are_no_copies():
    assert likeness.grouped(
        described(*map(scan, range(12)), *(np.full((50, 60), v) for v in (0, 0, 255)))
    ) == [*range(15)]


def test_different_synthetic_scans_are_no_copies():
    seen = described(
        *(phantom.draw(kind, seed, (200, 230)).pixels for seed, kind in enumerate(phantom.KINDS))
    )
    assert likeness.grouped(seen) == [0, 1, 2, 3]


def test_many_copies_of_one_image_give_just_the_links_that_join_them():
    assert len(likeness.links(described(*[scan(3)] * 20))) == 19


def test_no_images_give_no_groups():
    assert likeness.grouped([]) == []
