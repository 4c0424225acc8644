"""What is out of scope, and why."""

from dataclasses import replace

import numpy as np
import pytest

from ml.card import Scope
from ml.errors import WeightsMismatchError, WeightsUnavailableError
from ml.scope import COLOUR_SHARE, SCOPE_NAME, ScopeTest, Statistics
from ml.training.scope_fit import statistics
from ml.types import DicomFacts, Scan, ScanInfo
from tests.ml.conftest import tiny_card


def features(n=400, width=40, seed=0):
    """Correlated, of unlike scales, as channel statistics are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(6, width))
    scales = np.geomspace(0.01, 10, width)
    return ((rng.normal(size=(n, 6)) @ mixing + 0.3 * rng.normal(size=(n, width))) * scales + 1).astype(
        np.float32
    )


def scan(pixels=None, **changed):
    grey = np.random.default_rng(0).gamma(1.5, 40, (200, 240)).clip(0, 255).astype(np.uint8)
    grey = grey if pixels is None else pixels
    return replace(Scan(ScanInfo("png", grey.shape[1], grey.shape[0], 1), 0, grey), **changed)


def dicom(modality):
    plain = scan()
    return replace(plain, info=replace(plain.info, format="dicom", dicom=DicomFacts(modality=modality)))


@pytest.fixture(scope="module")
def test():
    fitted = statistics(features())
    scope = Scope(threshold=3.0, colour_share=COLOUR_SHARE, checksum="")
    return ScopeTest(tiny_card().model_copy(update={"scope": scope}), fitted)


def test_the_distance_of_scans_like_the_training_scans_is_about_one():
    distances = statistics(features()).distance(features(seed=1))
    assert 0.8 < distances.mean() < 1.3
    assert distances.max() < 3


def test_the_distance_sees_a_single_step_out_of_the_correlations():
    fitted = statistics(features())
    strange = features(n=50, seed=1)
    rng = np.random.default_rng(3)
    shuffled = np.column_stack(
        [rng.permutation(column) for column in strange.T]
    )  # each value usual by itself
    assert fitted.distance(shuffled).min() > 2 * fitted.distance(strange).max()


def test_the_distance_is_mahalanobis_under_the_fitted_covariance():
    fitted = statistics(features())
    kept, width = fitted.basis.shape
    covariance = fitted.basis.T @ np.diag(fitted.power - fitted.rest) @ fitted.basis + fitted.rest * np.eye(
        width
    )
    z = (features(n=5, seed=2) - fitted.centre) / fitted.spread
    expected = np.einsum("ni,ij,nj->n", z, np.linalg.inv(covariance.astype(np.float64)), z) / width
    assert kept == width // 2
    np.testing.assert_allclose(fitted.distance(features(n=5, seed=2)), expected, rtol=1e-3)


def test_a_usual_scan_is_in_scope_and_a_strange_one_is_not(test):
    assert test.reason(scan(), features(n=1, seed=4)[0]) is None
    reason = test.reason(scan(), features(n=1, seed=4)[0] + 30)
    assert reason.startswith("The image does not look like the breast ultrasound")


def test_features_that_are_not_numbers_are_out_of_scope(test):
    assert test.reason(scan(), np.full(40, np.nan, np.float32)) is not None


@pytest.mark.parametrize(
    ("modality", "words"),
    [("MG", "This is a mammogram"), ("CT", "modality CT"), ("MR", "modality MR"), ("CR", "modality CR")],
)
def test_another_modality_is_named_before_anything_else(test, modality, words):
    reason = test.reason(dicom(modality), features(n=1)[0] + 30)
    assert words in reason
    assert "trained on breast ultrasound" in reason


@pytest.mark.parametrize("modality", ["US", "OT", "SC", "XC", None])
def test_ultrasound_and_headers_that_say_nothing_are_judged_by_their_pixels(test, modality):
    assert test.reason(dicom(modality), features(n=1, seed=4)[0]) is None


@pytest.mark.parametrize("shade", [0, 30, 128, 255])
def test_a_blank_image_is_called_blank(test, shade):
    assert "blank" in test.reason(scan(np.full((90, 120), shade, np.uint8)), features(n=1)[0])


def test_colour_beyond_marks_on_the_screen_is_out_of_scope(test):
    usual = features(n=1, seed=4)[0]
    assert test.reason(scan(colour_share=COLOUR_SHARE), usual) is None
    assert "Doppler" in test.reason(scan(colour_share=0.05), usual)


def test_without_statistics_the_plain_rules_still_hold():
    bare = ScopeTest(tiny_card(), None)
    assert bare.reason(scan(), np.zeros(40, np.float32)) is None
    assert "blank" in bare.reason(scan(np.zeros((90, 120), np.uint8)), np.zeros(40, np.float32))
    assert "mammogram" in bare.reason(dicom("MG"), np.zeros(40, np.float32))
    assert "Doppler" in bare.reason(scan(colour_share=0.3), np.zeros(40, np.float32))


def test_statistics_come_back_from_the_disk_to_the_last_bit(tmp_path):
    fitted = statistics(features())
    back = Statistics.load(tmp_path, fitted.save(tmp_path))
    assert np.array_equal(back.distance(features(seed=1)), fitted.distance(features(seed=1)))
    assert [path.name for path in tmp_path.iterdir()] == [SCOPE_NAME]


def test_statistics_that_are_missing_or_not_the_cards_are_named_errors(tmp_path):
    with pytest.raises(WeightsUnavailableError):
        Statistics.load(tmp_path, "0" * 64)
    statistics(features()).save(tmp_path)
    with pytest.raises(WeightsMismatchError):
        Statistics.load(tmp_path, "0" * 64)
