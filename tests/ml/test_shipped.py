"""The network that the product comes with: what it takes for a scan and what it doesn't.

The images of other kinds are those that scikit-image, scikit-learn and pydicom carry, and drawn ones; none of
them was used to fit the test.
"""

import warnings
from pathlib import Path

import cv2
import numpy as np
import pydicom.data
import pytest
import skimage.data
import sklearn.datasets

from ml import ImageError, Predictor
from ml.data import phantom
from ml.imaging import decode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predictor():
    return Predictor()


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def carried():
    """Every image file of the three libraries that can be read at all, as scans."""
    folders = [Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images"]
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    files += [Path(name) for name in sorted(pydicom.data.get_testdata_files())]
    for path in files:
        try:
            yield path.name, decode(path.read_bytes())
        except (ImageError, OSError):
            continue


def drawn():
    rng = np.random.default_rng(0)
    for number in range(60):
        height, width = rng.integers(150, 700, 2)
        yield f"{_KINDS[number % 3].__name__} {number}", decode(png(_KINDS[number % 3](rng, height, width)))


def _text(rng, height, width):
    dark = rng.random() < 0.3
    page = np.full((height, width), 0 if dark else 255, np.uint8)
    for line in range(20, height, int(rng.integers(16, 40))):
        words = "".join(chr(c) for c in rng.integers(97, 123, 60))
        cv2.putText(page, words, (8, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255 if dark else 0, 1)
    return page


def _noise(rng, height, width):
    noise = rng.normal(128, 200, (height, width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.3, 6)).clip(0, 255).astype(np.uint8)


def _gradient(rng, height, width):
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    ramp = rng.random() * rows + rng.random() * columns + rng.random() * np.hypot(rows - 0.5, columns - 0.5)
    return (255 * ramp / ramp.max()).astype(np.uint8)


_KINDS = (_text, _noise, _gradient)


def flagged(predictor, named):
    return {name: predictor.predict_scan(scan).out_of_scope for name, scan in named}


def test_at_least_95_of_100_images_of_other_kinds_are_flagged(predictor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom, of its own damaged samples
        found = list(carried())
    verdicts = flagged(predictor, [*found, *drawn()])
    missed = [name for name, out in verdicts.items() if not out]
    assert len(verdicts) > 150
    assert len(missed) <= 0.05 * len(verdicts), missed


def test_the_scans_of_the_demo_are_in_scope(predictor):
    scans = [
        (f"{kind} {seed}", decode(png(phantom.draw(kind, seed).pixels)))
        for kind in phantom.KINDS
        for seed in range(5)
    ]
    assert not any(flagged(predictor, scans).values())
