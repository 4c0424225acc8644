"""From bytes to a second read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from ml import checkpoint
from ml.calibrate import probabilities
from ml.card import CamScale, HeatmapTest, Interval, ModelCard, OperatingPoint, Pointed
from ml.data import phantom
from ml.errors import CardError, FrameIndexError, ImageError, NotAnImageError, TooManyPixelsError
from ml.imaging import ImagingLimits, decode
from ml.overlay import scan_png
from ml.predictor import Predictor
from ml.preprocess import to_input
from ml.types import Scan, ScanInfo
from tests.ml.conftest import CLASSES, write_weights


def scan(seed=0, height=240, width=300):
    grey = np.random.default_rng(seed).gamma(1.5, 40, (height, width)).clip(0, 255).astype(np.uint8)
    return Scan(ScanInfo("png", width, height, 1), 0, grey)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random weights whose faint maps count as evidence."""
    made = write_weights(tmp_path_factory.mktemp("weights"))
    card = ModelCard.load(made).model_copy(update={"cam_scale": CamScale(strong=1e-3)})
    card.save(made)
    return made


@pytest.fixture(scope="module")
def predictor(folder):
    return Predictor(folder, engine="onnx")


def bits(prediction):
    """Everything that is said, without the clock."""
    maps = tuple(finding.heatmap.values.tobytes() for finding in prediction.findings)
    words = tuple(finding.heatmap.words for finding in prediction.findings)
    return prediction.probabilities, maps, words, prediction.call, prediction.warnings, prediction.reason


def test_every_class_has_a_probability_and_a_heatmap_in_the_order_of_the_card(predictor):
    prediction = predictor.predict(scan_png(scan()))
    assert tuple(prediction.probabilities) == CLASSES
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    for finding in prediction.findings:
        assert finding.heatmap.label == finding.label
        assert finding.heatmap.values.shape == (8, 8)
        assert finding.heatmap.values.dtype == np.float32
        assert finding.heatmap.values.min() >= 0
    assert any(finding.heatmap.peak for finding in prediction.findings)


def test_probabilities_are_the_networks_calibrated_logits(predictor, folder):
    network, card = checkpoint.load(folder)
    import torch

    with torch.no_grad():
        logits = network(torch.from_numpy(to_input([scan().pixels], card.preprocessing))).numpy()
    expected = probabilities(logits, card.calibration)[0]
    np.testing.assert_allclose(
        list(predictor.predict_scan(scan()).probabilities.values()), expected, atol=1e-6
    )


@pytest.mark.parametrize(("threshold", "call"), [(0.0, "suspicious"), (1.0, "not_suspicious")])
def test_the_call_is_that_of_the_operating_point(folder, tmp_path, threshold, call):
    network, card = checkpoint.load(folder)
    point = OperatingPoint(threshold=threshold, chosen_for="tests")
    checkpoint.save(network, card.model_copy(update={"operating_point": point}), tmp_path)
    assert Predictor(tmp_path).predict_scan(scan()).call == call


@pytest.mark.parametrize(("hits", "warned"), [(0.3, True), (0.9, False)])
def test_a_heatmap_below_the_cards_bar_is_warned_of_for_the_class_that_is_shown_first(
    folder, tmp_path, hits, warned
):
    network, card = checkpoint.load(folder)
    share = Interval(value=hits, low=hits - 0.1, high=hits + 0.1, n=80, unit="patient")
    kinds = [(label, strength) for label in CLASSES for strength in ("weak", "moderate", "strong")]
    pointed = tuple(
        Pointed(label=label, strength=strength, maps=90, hits=share, chance=0.14) for label, strength in kinds
    )
    test = HeatmapTest(data="bus-bra", images=0, chance=0.14, shown={}, bar=0.5, fewest=30, pointed=pointed)
    checkpoint.save(network, card.model_copy(update={"heatmaps": test}), tmp_path)
    said = Predictor(tmp_path).predict_scan(scan())
    top = max(said.findings, key=lambda finding: finding.probability)
    assert top.heatmap.reliability.verdict == ("unreliable" if warned else "reliable")
    sentences = [warning for warning in said.warnings if warning.startswith("Heatmap unreliable")]
    expected = f"Heatmap unreliable ({top.label}). {top.heatmap.reliability.words}"
    assert sentences == ([expected] if warned else [])


def test_the_same_bytes_give_the_same_bits_again_and_in_any_thread(predictor, folder):
    files = [scan_png(scan(seed)) for seed in range(3)]
    expected = [bits(predictor.predict(data)) for data in files]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda i: bits(predictor.predict(files[i % 3])), range(24)))
    assert all(answer == expected[i % 3] for i, answer in enumerate(answers))
    assert [bits(Predictor(folder, engine="onnx").predict(data)) for data in files] == expected


def test_alone_or_in_a_batch_to_1e_5(predictor):
    scans = [scan(seed, 200 + 10 * seed, 260) for seed in range(4)]
    for alone, together in zip(
        map(predictor.predict_scan, scans), predictor.predict_batch(scans), strict=True
    ):
        assert alone.call == together.call
        for a, b in zip(alone.findings, together.findings, strict=True):
            assert a.probability == pytest.approx(b.probability, abs=1e-5)
            np.testing.assert_allclose(a.heatmap.values, b.heatmap.values, atol=1e-5 * 1e3)  # raw / 1e-3


def test_an_empty_batch_has_no_answers(predictor):
    assert predictor.predict_batch([]) == []


def test_onnx_and_torch_agree(predictor, folder):
    other = Predictor(folder, engine="torch")
    for label, chance in other.predict_scan(scan()).probabilities.items():
        assert chance == pytest.approx(predictor.predict_scan(scan()).probabilities[label], abs=1e-5)


def test_a_dicom_is_read_like_the_picture_of_its_pixels(predictor):
    data = phantom.dicom(phantom.draw("cyst", seed=5))
    picture = scan_png(decode(data))
    assert predictor.predict(data).probabilities == predictor.predict(picture).probabilities


def test_the_decoded_frame_comes_along_for_who_asks(predictor):
    seen, prediction = predictor.decode_and_predict(scan_png(scan()))
    assert (seen.pixels == scan().pixels).all()
    assert bits(prediction) == bits(predictor.predict(scan_png(scan())))


def test_every_stage_is_timed(predictor):
    timings = predictor.predict(scan_png(scan())).timings_ms
    assert list(timings) == ["decode", "preprocess", "forward", "check", "explain", "total"]
    assert all(time >= 0 for time in timings.values())
    assert sum(timings.values()) - timings["total"] <= timings["total"]


def test_the_network_is_named_with_its_checksum(predictor, folder):
    card = ModelCard.load(folder)
    network = predictor.predict_scan(scan()).network
    assert (network.name, network.version, network.checksum) == (card.name, card.version, card.checksum)


def test_a_wide_image_and_a_single_pixel_are_read(predictor):
    for height, width in ((1, 1), (1, 3000), (3000, 2)):
        assert sum(predictor.predict_scan(scan(0, height, width)).probabilities.values()) == pytest.approx(1)


def test_what_is_no_image_is_a_named_error(predictor):
    with pytest.raises(NotAnImageError):
        predictor.predict(b"GIF89a, or so it says")
    with pytest.raises(ImageError):
        predictor.predict(b"")
    with pytest.raises(FrameIndexError):
        predictor.predict(scan_png(scan()), frame=1)


def test_the_limits_that_were_given_hold(folder):
    with pytest.raises(TooManyPixelsError):
        Predictor(folder, limits=ImagingLimits(max_pixels=100)).predict(scan_png(scan()))


def test_a_folder_without_a_card_is_a_named_error(tmp_path):
    with pytest.raises(CardError):
        Predictor(tmp_path)


def warned(predictor, changed):
    return " ".join(predictor.predict_scan(changed).warnings)


def test_a_reader_is_warned_of_what_weakens_an_answer(predictor):
    plain = scan()
    assert "Very small image (60 x 50 pixels)" in warned(predictor, scan(0, 50, 60))
    assert "Colour image" in warned(predictor, replace(plain, colour_share=0.01))
    loop = replace(plain, info=replace(plain.info, frames=20), frame=2)
    assert "frame 3 of 20" in warned(predictor, loop)
    for sentence in ("small", "Colour", "loop"):
        assert sentence not in warned(predictor, plain)


def test_near_the_operating_point_is_said_and_far_from_it_not(folder, tmp_path):
    network, card = checkpoint.load(folder)
    chance = Predictor(folder).predict_scan(scan()).probabilities["malignant"]
    for offset, near in ((0.04, True), (0.2, False)):
        point = OperatingPoint(threshold=chance + offset, chosen_for="tests")
        checkpoint.save(network, card.model_copy(update={"operating_point": point}), tmp_path)
        assert ("Near the operating point" in warned(Predictor(tmp_path), scan())) == near


def test_a_network_without_a_scope_test_says_so(predictor):
    assert "no test for images out of its scope" in warned(predictor, scan())
