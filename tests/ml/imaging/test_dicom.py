"""DICOM: every transfer syntax, photometric interpretation and value transformation that is read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from ml.errors import FrameIndexError
from ml.imaging import decode, inspect, sniff
from ml.types import UltrasoundRegion
from tests.ml.imaging.files import (
    MAMMOGRAM,
    SYNTAXES,
    colour_scene,
    dicom,
    region,
    scene,
    ultrasound_loop,
)

EXACT = [
    syntax
    for syntax in SYNTAXES
    if syntax not in (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEG2000, uid.JPEGLSNearLossless)
]
LOSSY = [syntax for syntax in SYNTAXES if syntax not in EXACT]


def _name(value) -> str | None:
    return value.name if isinstance(value, uid.UID) else None


def _item(**elements) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("syntax", EXACT, ids=_name)
def test_a_lossless_transfer_syntax_gives_every_pixel_back(syntax):
    assert sniff(dicom(scene(), syntax)) == "dicom"
    assert np.array_equal(decode(dicom(scene(), syntax)).pixels, scene())
    assert np.array_equal(decode(dicom(colour_scene(), syntax)).colour, colour_scene())
    deep = dicom(scene().astype(np.uint16) * 16, syntax, BitsStored=12, HighBit=11)
    assert np.array_equal(decode(deep).pixels, scene())


@pytest.mark.parametrize("syntax", LOSSY, ids=_name)
def test_a_lossy_transfer_syntax_comes_back_close(syntax):
    for pixels, got in (
        (scene(), decode(dicom(scene(), syntax)).pixels),
        (colour_scene(), decode(dicom(colour_scene(), syntax)).colour),
    ):
        assert np.sqrt(np.mean((got.astype(int) - pixels) ** 2)) < 6


@pytest.mark.parametrize("syntax", EXACT, ids=_name)
def test_each_frame_of_a_loop_is_decoded_by_its_index(syntax):
    loop = np.stack([scene(seed=seed) for seed in range(3)])
    data = dicom(loop, syntax, NumberOfFrames=3)
    assert inspect(data).frames == 3
    for index, frame in enumerate(loop):
        assert np.array_equal(decode(data, index).pixels, frame)
    with pytest.raises(FrameIndexError):
        decode(data, 3)


def test_an_odd_sized_image_survives_byte_swapping():
    pixels = colour_scene(3, 5)
    for syntax in (uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian):
        assert np.array_equal(decode(dicom(pixels, syntax)).colour, pixels)


def test_planes_and_pixels_are_the_same_picture():
    planes = np.moveaxis(colour_scene(), 2, 0).reshape(48, 64, 3)
    assert np.array_equal(decode(dicom(planes, PlanarConfiguration=1)).colour, colour_scene())


def test_ybr_is_shown_as_rgb():
    grey = np.dstack([scene(), np.full((48, 64), 128, np.uint8), np.full((48, 64), 128, np.uint8)])
    scan = decode(dicom(grey, PhotometricInterpretation="YBR_FULL"))
    assert scan.colour is None
    assert np.array_equal(scan.pixels, scene())


def test_uncompressed_ybr_422_shares_its_chroma():
    luma, chroma = scene().reshape(-1, 2), np.full((48 * 32, 2), 128, np.uint8)
    packed = np.hstack([luma, chroma]).reshape(48, 128)
    data = dicom(
        packed, PhotometricInterpretation="YBR_FULL_422", SamplesPerPixel=3, Columns=64, PlanarConfiguration=0
    )
    assert np.array_equal(decode(data).pixels, scene())


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_indices_are_shown_in_their_colours(bits):
    table = np.random.default_rng(1).integers(0, 256, (256, 3))
    stored = (table * (257 if bits == 16 else 1)).astype(f"<u{bits // 8}")
    colours = {
        f"{colour}PaletteColorLookupTable{part}": value
        for channel, colour in enumerate(("Red", "Green", "Blue"))
        for part, value in (("Descriptor", [256, 0, bits]), ("Data", stored[:, channel].tobytes()))
    }
    data = dicom(scene(), PhotometricInterpretation="PALETTE COLOR", **colours)
    assert np.array_equal(decode(data).colour, table[scene()])


def test_monochrome1_is_inverted():
    assert np.array_equal(
        decode(dicom(255 - scene(), PhotometricInterpretation="MONOCHROME1")).pixels, scene()
    )


def test_one_bit_frames_follow_each_other_without_padding():
    masks = scene(5, 7) > 128, scene(5, 7, 1) > 128
    packed = np.packbits(np.concatenate([mask.ravel() for mask in masks]), bitorder="little")
    data = dicom(
        packed[None, None], NumberOfFrames=2, Rows=5, Columns=7, BitsAllocated=1, BitsStored=1, HighBit=0
    )
    for index, mask in enumerate(masks):
        assert np.array_equal(decode(data, index).pixels, np.where(mask, 255, 0))


def test_eight_bits_without_a_window_are_shown_as_they_are():
    dim = scene() // 4
    assert np.array_equal(decode(dicom(dim)).pixels, dim)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_deep_grey_without_a_window_spans_the_range_of_the_frame(dtype):
    values = (scene().astype(np.int32) * 10 + (-900 if dtype is np.int16 else 500)).astype(dtype)
    assert np.array_equal(decode(dicom(values)).pixels, scene())


def test_padding_is_left_out_of_the_range():
    values = scene().astype(np.int16) * 4
    values[:, :3], values[9, 9], values[9, 10] = -2000, 0, 1020
    pixels = decode(dicom(values, PixelPaddingValue=-2000)).pixels
    assert np.array_equal(pixels[:, 20:], scene()[:, 20:])
    assert np.all(pixels[:, :3] == 0)


def test_a_linear_window_maps_its_ends_to_black_and_white():
    values = np.array([[0, 99, 100, 200, 300, 4095]], np.uint16)
    pixels = decode(dicom(values, BitsStored=12, WindowCenter=200, WindowWidth=201)).pixels
    # PS3.3 C.11.2.1.2.1: 0 at or below 200 - 0.5 - 200/2 = 99.5, 255 above 299.5
    assert pixels.tolist() == [[0, 0, 1, 128, 255, 255]]


def test_a_window_works_on_rescaled_values():
    values = np.array([[0, 1000, 2000]], np.uint16)
    window = {"WindowCenter": 0, "WindowWidth": 2000, "VOILUTFunction": "LINEAR_EXACT"}
    scan = decode(dicom(values, BitsStored=12, RescaleSlope=1, RescaleIntercept=-1000, **window))
    assert scan.pixels.tolist() == [[0, 128, 255]]


def test_a_sigmoid_window_is_symmetric_about_its_center():
    values = np.array([[0, 2048, 4095]], np.uint16)
    window = {"WindowCenter": 2048, "WindowWidth": 1000, "VOILUTFunction": "SIGMOID"}
    assert decode(dicom(values, BitsStored=12, **window)).pixels.tolist() == [[0, 128, 255]]


def test_the_first_of_several_windows_is_used():
    values = np.array([[0, 100, 200]], np.uint16)
    data = dicom(values, BitsStored=12, WindowCenter=[100, 9], WindowWidth=[201, 9])
    assert decode(data).pixels.tolist() == [[1, 128, 255]]


def test_a_window_without_width_counts_as_none():
    values = scene().astype(np.uint16) * 16
    assert np.array_equal(decode(dicom(values, WindowCenter=5, WindowWidth=0)).pixels, scene())


def test_a_voi_lut_comes_before_a_window():
    lut = _item(LUTDescriptor=[4, 0, 16], LUTData=np.array([65535, 40000, 20000, 0], "<u2").tobytes())
    data = dicom(np.array([[0, 1, 2, 3]], np.uint16), VOILUTSequence=[lut], WindowCenter=2, WindowWidth=4)
    assert decode(data).pixels.tolist() == [[255, 156, 78, 0]]


def test_a_modality_lut_comes_first():
    lut = _item(
        LUTDescriptor=[4, 0, 16],
        LUTData=np.array([0, 3000, 1000, 2000], "<u2").tobytes(),
        ModalityLUTType="US",
    )
    data = dicom(np.array([[0, 1, 2, 3]], np.uint16), ModalityLUTSequence=[lut])
    assert decode(data).pixels.tolist() == [[0, 255, 85, 170]]


def test_functional_groups_of_a_frame_hold_for_that_frame():
    loop = np.array([[[0, 1000, 2000]], [[0, 1000, 2000]]], np.uint16)
    windows = [
        _item(FrameVOILUTSequence=[_item(WindowCenter=center, WindowWidth=2, VOILUTFunction="LINEAR_EXACT")])
        for center in (500, 1500)
    ]
    shared = [_item(PixelMeasuresSequence=[_item(PixelSpacing=[0.085, 0.09])])]
    data = dicom(
        loop,
        NumberOfFrames=2,
        SOPClassUID=MAMMOGRAM,
        PerFrameFunctionalGroupsSequence=windows,
        SharedFunctionalGroupsSequence=shared,
    )
    assert decode(data, 0).pixels.tolist() == [[0, 255, 255]]
    assert decode(data, 1).pixels.tolist() == [[0, 0, 255]]
    assert inspect(data).spacing_mm == (0.085, 0.09)


def test_regions_are_half_open_and_their_spacing_is_in_mm():
    info = inspect(ultrasound_loop(2))
    assert info.regions == (UltrasoundRegion(4, 2, 60, 46, (0.1, 0.2)),)
    assert info.spacing_mm == (0.1, 0.2)


def test_regions_that_disagree_or_measure_no_length_give_no_spacing():
    two = [region(0, 0, 9, 9), region(20, 0, 29, 9, PhysicalDeltaX=0.05)]
    assert inspect(dicom(scene(), SequenceOfUltrasoundRegions=two)).spacing_mm is None
    doppler = [region(0, 0, 9, 9, PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=7)]
    info = inspect(dicom(scene(), SequenceOfUltrasoundRegions=doppler))
    assert info.regions == (UltrasoundRegion(0, 0, 10, 10, None),)
    assert info.spacing_mm is None


def test_a_region_is_cut_to_the_frame_and_dropped_outside_of_it():
    items = [region(0, 0, 999, 999), region(70, 0, 80, 9), region(9, 9, 3, 3)]
    info = inspect(dicom(scene(), SequenceOfUltrasoundRegions=items))
    assert info.regions == (UltrasoundRegion(0, 0, 64, 48, (0.1, 0.2)),)


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing"])
def test_spacing_is_row_then_column_in_mm(keyword):
    assert inspect(dicom(scene(), **{keyword: [0.07, 0.08]})).spacing_mm == (0.07, 0.08)
    assert inspect(dicom(scene(), **{keyword: [0, 0.08]})).spacing_mm is None


def test_no_spacing_is_none():
    assert inspect(dicom(scene())).spacing_mm is None


def test_the_header_fills_the_form():
    facts = inspect(dicom(scene(), ImageLaterality="L", ViewPosition="CC")).dicom
    assert (facts.modality, facts.patient_id, facts.accession) == ("US", "ID-4711", "ACC-1")
    assert (facts.laterality, facts.view, facts.study_date) == ("L", "CC", "2026-01-31")


def test_empty_header_values_are_none():
    emptied = dict.fromkeys(("Modality", "PatientID", "AccessionNumber", "StudyInstanceUID", "StudyDate"), "")
    facts = inspect(dicom(scene(), Laterality="", **emptied)).dicom
    assert (facts.modality, facts.patient_id, facts.accession, facts.study_uid) == (None,) * 4
    assert (facts.laterality, facts.view, facts.study_date) == (None,) * 3


def test_threads_read_the_same_pixels():
    files = [dicom(scene(seed=seed), syntax) for seed, syntax in enumerate(EXACT)] * 4
    with ThreadPoolExecutor(8) as pool:
        scans = list(pool.map(decode, files))
    for index, scan in enumerate(scans):
        assert np.array_equal(scan.pixels, scene(seed=index % len(EXACT)))
