"""Overlays keep absolute strength and print their scale."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ml.overlay import OPAQUE, heat_png, picture, scan_png
from ml.types import Heatmap, Scan, ScanInfo


def pixels(data):
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    assert not image.info, "a picture carries no metadata"
    return np.asarray(image)


def flat(strength, grid=5):
    return Heatmap("malignant", np.full((grid, grid), strength, np.float32), (0.5, 0.5), 1.0, "words")


def scan(height=120, width=160, colour=False):
    grey = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8) if colour else None
    return Scan(ScanInfo("png", width, height, 1), 0, grey, rgb)


def test_no_evidence_is_wholly_transparent():
    assert not pixels(heat_png(flat(0.0), 40, 30))[..., 3].any()


def test_alpha_grows_with_absolute_strength_and_stops_at_strong():
    alphas = [int(pixels(heat_png(flat(s), 8, 8))[4, 4, 3]) for s in (0.0, 0.25, 0.5, 1.0, 4.0)]
    assert alphas == sorted(alphas)
    assert alphas[2] == pytest.approx(255 * OPAQUE / 2, abs=2)
    assert alphas[3] == alphas[4] == round(255 * OPAQUE)


def test_a_weak_map_looks_weaker_than_a_strong_one_of_the_same_shape():
    shape = np.outer(np.hanning(7), np.hanning(7)).astype(np.float32)
    weak, strong = (
        pixels(heat_png(Heatmap("benign", shape * k, (0.5, 0.5), 0.1, ""), 70, 70)) for k in (0.2, 1.0)
    )
    assert weak[..., 3].max() < 0.25 * strong[..., 3].max()
    assert weak[35, 35, :3].sum() < strong[35, 35, :3].sum()


@pytest.mark.parametrize(("width", "height"), [(560, 480), (7, 3), (1, 1), (33, 200)])
def test_the_overlay_has_the_size_that_was_asked_for(width, height):
    assert pixels(heat_png(flat(0.5), width, height)).shape == (height, width, 4)


def test_evidence_lies_where_it_was_found():
    values = np.zeros((6, 6), np.float32)
    values[1, 4] = 1.0
    alpha = pixels(heat_png(Heatmap("benign", values, None, 0.0, ""), 120, 60))[..., 3]
    row, column = np.unravel_index(alpha.argmax(), alpha.shape)
    assert abs(row - 15) <= 2
    assert abs(column - 90) <= 3


@pytest.mark.parametrize("colour", [False, True])
def test_a_shown_scan_is_its_pixels_to_the_last_bit(colour):
    shown = scan(colour=colour)
    expected = shown.colour if colour else shown.pixels
    assert np.array_equal(pixels(scan_png(shown)), expected)


def test_the_burned_picture_leaves_tissue_without_evidence_untouched():
    shown = scan()
    burned = pixels(picture(shown, flat(0.0)))
    assert np.array_equal(burned[:120, :160], np.repeat(shown.pixels[..., None], 3, axis=2))


def test_the_burned_picture_prints_its_scale_beside_the_scan():
    burned = pixels(picture(scan(240, 320), flat(0.0)))
    beside = burned[:240, 320:]
    colours = {tuple(colour) for colour in beside.reshape(-1, 3)}
    assert beside.shape[1] > 40
    assert len(colours) > 100, "the bar runs through the colours"
    assert burned[240:].any(), "the words stand below"


@pytest.mark.parametrize(("height", "width"), [(1, 1), (20, 900), (900, 20)])
def test_a_scan_of_any_shape_can_be_drawn(height, width):
    burned = pixels(picture(scan(height, width), flat(0.5)))
    assert burned.shape[0] > height
    assert burned.shape[1] > width
