"""The out-of-scope test is learned from scans alone, and still tells what is no scan."""

import shutil

import cv2
import numpy as np
import pytest

from ml import Predictor
from ml.card import ModelCard
from ml.data import Sample, phantom
from ml.errors import DataError
from ml.imaging import decode
from ml.training import scope_fit, serving

EACH = 6
SIZE = (160, 200)


def write_scans(folder):
    """A small data set of drawn scans, two images a patient."""
    samples = []
    for seed in range(EACH):
        for kind in phantom.KINDS:
            drawn = phantom.draw(kind, seed, size=SIZE)
            path = folder / f"{kind}-{seed}.png"
            cv2.imwrite(str(path), drawn.pixels)
            patient = f"{kind}-{seed // 2}"
            samples.append(Sample(path, drawn.label, patient, patient, "drawn"))
    return samples


@pytest.fixture(scope="module")
def completed(tmp_path_factory, tiny_weights):
    folder = tmp_path_factory.mktemp("completed")
    shutil.copytree(tiny_weights, folder, dirs_exist_ok=True)
    samples = write_scans(tmp_path_factory.mktemp("scans"))
    card = serving.complete(folder, samples)
    return folder, samples, card


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def strangers():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:1:300j, 0:1:400j]
    page = np.full((400, 300), 255, np.uint8)
    for line in range(20, 400, 24):
        cv2.putText(page, "Dear colleague, thank you", (10, line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1)
    doppler = np.repeat(phantom.draw("cyst", 77, size=SIZE).pixels[..., None], 3, axis=2)
    doppler[60:100, 80:120] = (20, 20, 220)
    return {
        "white noise": rng.integers(0, 256, (300, 400), dtype=np.uint8),
        "salt and pepper": ((rng.random((300, 400)) < 0.1) * 255).astype(np.uint8),
        "horizontal gradient": (columns * 255).astype(np.uint8),
        "radial gradient": (np.hypot(rows - 0.5, columns - 0.5) * 300).astype(np.uint8),
        "page of text": page,
        "checkerboard": ((rows * 12 // 1 + columns * 16 // 1) % 2 * 255).astype(np.uint8),
        "blank": np.full((300, 400), 90, np.uint8),
        "colour Doppler": doppler,
    }


@pytest.mark.parametrize("name", strangers())
def test_what_is_no_grey_scan_is_flagged_with_a_reason(completed, name):
    prediction = Predictor(completed[0]).predict(png(strangers()[name]))
    assert prediction.out_of_scope
    assert prediction.reason.endswith(".")


def test_scans_that_were_not_in_the_fit_are_in_scope(completed):
    predictor = Predictor(completed[0])
    scans = [decode(png(phantom.draw(kind, 500, size=SIZE).pixels)) for kind in phantom.KINDS]
    assert [prediction.reason for prediction in predictor.predict_batch(scans)] == [None] * len(scans)


def test_the_card_names_the_statistics_and_the_scale_and_comes_back(completed):
    folder, _, card = completed
    assert ModelCard.load(folder) == card
    assert card.scope.threshold > 1
    assert not any(
        "scope" in warning for warning in Predictor(folder).predict(png(strangers()["blank"])).warnings
    )


def test_half_of_the_images_have_evidence_beyond_strong(completed):
    folder, samples, _ = completed
    predictor = Predictor(folder)
    peaks = []
    for sample in samples:
        prediction = predictor.predict(sample.path.read_bytes())
        logits = {finding.label: finding.probability for finding in prediction.findings}
        peaks.append(prediction.finding(max(logits, key=logits.get)).heatmap.values.max())
    assert np.median(peaks) == pytest.approx(1, abs=0.01)


def test_the_same_scans_give_the_same_statistics(completed, tmp_path):
    folder, samples, card = completed
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert scope_fit.fit_scope(tmp_path, samples) == card.scope


def test_too_few_patients_are_a_named_error(completed):
    folder, samples, _ = completed
    with pytest.raises(DataError, match="groups"):
        scope_fit.fit_scope(folder, samples[:4])
