from io import BytesIO
from time import process_time

import cv2
import numpy as np
import pydicom
import pytest

from ml import imaging
from ml.data import phantom

MASSES = ("cyst", "smooth", "irregular")
SEEDS = range(3)


@pytest.fixture(scope="module")
def drawn():
    """Every kind with a few seeds: {(kind, seed): Phantom}."""
    return {(kind, seed): phantom.draw(kind, seed) for kind in phantom.KINDS for seed in SEEDS}


def below(scan, rows=40):
    """(mean grey behind the middle of the mass, mean grey beside it at the same depth)."""
    columns = np.flatnonzero(scan.mask.any(axis=0))
    bottom = int(np.flatnonzero(scan.mask.any(axis=1)).max()) + 8
    middle = np.arange(scan.pixels.shape[1])
    third = (columns[-1] - columns[0]) // 3
    behind = (middle > columns[0] + third) & (middle < columns[-1] - third)
    beside = (middle < columns[0] - 25) | (middle > columns[-1] + 25)
    band = scan.pixels[bottom : bottom + rows]
    return band[:, behind].mean(), band[:, beside].mean()


def around(scan):
    """(median grey in the mass, median grey in the ring around it)."""
    mask = scan.mask.astype(np.uint8)
    ring = cv2.dilate(mask, np.ones((41, 41))) - cv2.dilate(mask, np.ones((9, 9)))
    core = cv2.erode(mask, np.ones((9, 9)))
    return np.median(scan.pixels[core > 0]), np.median(scan.pixels[ring > 0])


def compactness(mask):
    """4 pi area / perimeter squared: 1 for a disc, small for a star."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    return 4 * np.pi * cv2.contourArea(largest) / cv2.arcLength(largest, True) ** 2


@pytest.mark.parametrize("kind", phantom.KINDS)
def test_the_same_seed_draws_the_same_pixels_and_another_seed_others(kind, drawn):
    again = phantom.draw(kind, 1)
    np.testing.assert_array_equal(again.pixels, drawn[kind, 1].pixels)
    np.testing.assert_array_equal(again.mask, drawn[kind, 1].mask)
    assert np.corrcoef(again.pixels.ravel(), drawn[kind, 2].pixels.ravel())[0, 1] < 0.9


def test_kinds_stand_for_the_classes_of_the_network(drawn):
    labels = {kind: drawn[kind, 0].label for kind in phantom.KINDS}
    assert labels == {"normal": "normal", "cyst": "benign", "smooth": "benign", "irregular": "malignant"}


def test_only_a_normal_breast_has_an_empty_mask(drawn):
    for (kind, _), scan in drawn.items():
        share = scan.mask.mean()
        assert share == 0 if kind == "normal" else 0.01 < share < 0.25


def test_pixels_are_grey_bytes_of_a_useful_range(drawn):
    for scan in drawn.values():
        assert (scan.pixels.dtype, scan.pixels.shape) == (np.uint8, (480, 560))
        assert 50 < scan.pixels.mean() < 140
        assert (scan.pixels == 255).mean() < 0.02
        assert np.percentile(scan.pixels, 99) > 160


def test_tissue_is_darker_with_depth_and_gland_brighter_than_the_chest_wall(drawn):
    for seed in SEEDS:
        rows = drawn["normal", seed].pixels.mean(axis=1)
        assert rows[160:230].mean() > 2 * rows[-20:].mean()


@pytest.mark.parametrize("kind", MASSES)
def test_a_mass_is_darker_than_what_is_around_it(kind, drawn):
    for seed in SEEDS:
        inside, outside = around(drawn[kind, seed])
        assert inside < outside - 20


def test_a_cyst_is_nearly_black(drawn):
    assert all(around(drawn["cyst", seed])[0] < 40 for seed in SEEDS)


def test_behind_a_cyst_it_is_brighter_and_behind_an_irregular_mass_darker(drawn):
    for seed in SEEDS:
        behind, beside = below(drawn["cyst", seed])
        assert behind > beside + 8
        behind, beside = below(drawn["irregular", seed])
        assert behind < beside - 8


def test_an_irregular_mass_has_a_rougher_margin_than_a_smooth_one(drawn):
    smooth = [compactness(drawn["smooth", seed].mask) for seed in SEEDS]
    irregular = [compactness(drawn["irregular", seed].mask) for seed in SEEDS]
    assert min(smooth) > 0.6 > max(irregular)


def test_a_smooth_mass_is_wider_than_tall(drawn):
    for seed in SEEDS:
        rows, columns = (np.ptp(np.flatnonzero(drawn["smooth", seed].mask.any(axis=axis))) for axis in (1, 0))
        assert columns > rows


def test_planes_of_one_breast_resemble_each_other_less_with_distance():
    middle, near, far = (
        cv2.GaussianBlur(phantom.draw("normal", 5, elevation_mm=mm).pixels, (0, 0), 6).ravel()
        for mm in (0.0, 1.0, 12.0)
    )
    assert np.corrcoef(middle, near)[0, 1] > 0.97 > np.corrcoef(middle, far)[0, 1]


def test_a_mass_is_largest_in_its_middle_plane():
    areas = [phantom.draw("cyst", 2, elevation_mm=mm).mask.sum() for mm in (-3.0, 0.0, 3.0)]
    assert areas[1] > max(areas[0], areas[2]) > 0


@pytest.mark.parametrize("size", [(32, 32), (97, 131), (600, 300)])
@pytest.mark.parametrize("kind", phantom.KINDS)
def test_any_size_can_be_drawn(kind, size):
    scan = phantom.draw(kind, 0, size, 0.2)
    assert scan.pixels.shape == scan.mask.shape == size


@pytest.mark.parametrize(
    ("kind", "size", "spacing"),
    [("wart", (480, 560), 0.08), ("cyst", (10, 560), 0.08), ("cyst", (480, 560), 0.0)],
)
def test_what_cannot_be_drawn_is_refused(kind, size, spacing):
    with pytest.raises(ValueError, match="can't draw"):
        phantom.draw(kind, 0, size, spacing)


def test_drawing_takes_less_than_a_second():
    started = process_time()
    phantom.draw("irregular", 3)
    assert process_time() - started < 1


def test_a_dicom_file_gives_back_pixels_spacing_and_what_was_said(drawn):
    scan = drawn["irregular", 1]
    data = phantom.dicom(scan, patient_id="P-1", accession="A-1", laterality="L")
    decoded = imaging.decode(data)
    np.testing.assert_array_equal(decoded.pixels, scan.pixels)
    assert (decoded.info.format, decoded.info.frames) == ("dicom", 1)
    assert decoded.info.spacing_mm == pytest.approx((0.08, 0.08))
    assert [(r.x0, r.y0, r.x1, r.y1) for r in decoded.info.regions] == [(0, 0, 560, 480)]
    facts = decoded.info.dicom
    assert (facts.modality, facts.patient_id, facts.accession, facts.laterality) == ("US", "P-1", "A-1", "L")


def test_a_dicom_file_says_nothing_that_is_not_known(drawn):
    facts = imaging.inspect(phantom.dicom(drawn["cyst", 0])).dicom
    assert (facts.patient_id, facts.accession, facts.laterality, facts.study_date) == (None, None, None, None)


def test_a_dicom_file_is_a_marked_phantom_of_the_ultrasound_class(drawn):
    dataset = pydicom.dcmread(BytesIO(phantom.dicom(drawn["cyst", 0])))
    assert dataset.SOPClassUID == pydicom.uid.UltrasoundImageStorage
    assert dataset.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert dataset.QualityControlImage == "YES"
    assert "Synthetic" in dataset.ImageComments
    assert all(
        uid.is_valid for uid in (dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID)
    )


def test_the_same_scan_gives_the_same_file_and_another_scan_another_study(drawn):
    first, second = drawn["cyst", 0], drawn["cyst", 1]
    assert phantom.dicom(first) == phantom.dicom(first)
    one, other = (imaging.inspect(phantom.dicom(scan)).dicom for scan in (first, second))
    assert one.study_uid != other.study_uid
    assert one.sop_uid != other.sop_uid


def test_an_odd_number_of_pixels_is_padded():
    scan = phantom.draw("cyst", 0, (33, 35), 0.5)
    np.testing.assert_array_equal(imaging.decode(phantom.dicom(scan)).pixels, scan.pixels)


def test_a_loop_is_a_sweep_of_planes_through_one_breast():
    data = phantom.loop_dicom("cyst", 4, frames=3)
    info = imaging.inspect(data)
    assert (info.frames, info.width, info.height) == (3, 560, 480)
    assert info.spacing_mm == pytest.approx((0.08, 0.08))
    middle = phantom.draw("cyst", 4)
    np.testing.assert_array_equal(imaging.decode(data, 1).pixels, middle.pixels)
    assert (imaging.decode(data, 0).pixels != middle.pixels).mean() > 0.5
    dataset = pydicom.dcmread(BytesIO(data))
    assert dataset.SOPClassUID == pydicom.uid.UltrasoundMultiFrameImageStorage
    assert dataset[dataset.FrameIncrementPointer].value == dataset.FrameTime
