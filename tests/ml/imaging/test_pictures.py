"""PNG, JPEG, TIFF, BMP and WebP: what is read is what was written."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, TiffImagePlugin

from ml.errors import FrameIndexError, TooManyFramesError, UnsupportedImageError
from ml.imaging import ImagingLimits, decode, inspect, sniff
from tests.ml.imaging.files import animation, colour_scene, encoded, huge_png, picture, png_chunk, scene

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {"lossless": True}),
]
LOSSY = [("JPEG", {"quality": 95}), ("JPEG", {"quality": 95, "progressive": True}), ("WEBP", {"quality": 95})]
ORIENTATION = 0x0112


@pytest.mark.parametrize(("name", "options"), LOSSLESS + LOSSY)
def test_the_format_is_told_from_the_bytes(name, options):
    data = picture(scene(), name, **options)
    assert sniff(data) == name.lower()
    assert inspect(data).format == name.lower()


@pytest.mark.parametrize(
    "data", [b"", b"BMW is a car, not a bitmap", b"GIF89a", b"%PDF-1.7", b"RIFF1234WAVE"]
)
def test_other_bytes_have_no_format(data):
    assert sniff(data) is None


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
@settings(max_examples=15, deadline=None)
@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_grey_pixels_survive_a_lossless_format(name, options, pixels):
    scan = decode(picture(pixels, name, **options))
    assert np.array_equal(scan.pixels, pixels)
    assert scan.colour is None
    assert (scan.info.height, scan.info.width, scan.info.frames) == (*pixels.shape, 1)


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
def test_colours_survive_a_lossless_format(name, options):
    scan = decode(picture(colour_scene(), name, **options))
    assert np.array_equal(scan.colour, colour_scene())
    assert np.array_equal(scan.pixels, cv2.cvtColor(colour_scene(), cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize(("name", "options"), LOSSY)
def test_a_lossy_format_comes_back_close(name, options):
    error = decode(picture(scene(), name, **options)).pixels.astype(int) - scene()
    assert np.sqrt(np.mean(error**2)) < 4


def test_grey_saved_as_colour_counts_as_grey():
    scan = decode(picture(scene(), "PNG", mode="RGB"))
    assert scan.colour is None
    assert scan.colour_share == 0
    assert np.array_equal(scan.pixels, scene())


def test_the_colour_share_counts_coloured_pixels():
    pixels = np.dstack([scene()] * 3)
    pixels[:, :16] = (255, 0, 0)
    assert decode(picture(pixels, "PNG")).colour_share == pytest.approx(16 / 64)


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
@pytest.mark.parametrize(("low", "high"), [(0, 65535), (0, 4095), (1000, 3000)])
def test_16_bit_grey_is_scaled_by_its_own_range(name, low, high):
    deep = np.linspace(low, high, 256).astype(np.uint16).reshape(16, 16)
    pixels = decode(picture(deep, name)).pixels
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.abs(pixels.astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_colour_is_scaled_by_its_own_range(suffix):
    deep = colour_scene().astype(np.uint16) * 16
    data = cv2.imencode(suffix, deep[..., ::-1])[1].tobytes()
    assert np.array_equal(decode(data).colour, colour_scene())


def test_float_tiff_is_scaled_by_its_finite_range():
    values = np.array([[np.nan, -1.0, 0.0], [1.0, np.inf, -np.inf]], np.float32)
    assert decode(picture(values, "TIFF")).pixels.tolist() == [[0, 0, 128], [255, 255, 0]]


@pytest.mark.parametrize("value", [0, 65535])
def test_a_constant_16_bit_image_is_black_unless_it_is_white(value):
    pixels = decode(picture(np.full((4, 4), value, np.uint16), "PNG")).pixels
    assert np.all(pixels == (255 if value else 0))


def test_white_is_zero_tiff_is_inverted_at_16_bits_too():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    deep = encoded(Image.fromarray(scene().astype(np.uint16) * 257), "TIFF", tiffinfo=tags)
    assert np.array_equal(decode(deep).pixels, 255 - scene())


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_transparent_parts_become_black(name):
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:20] = 0
    options = {"lossless": True, "exact": True} if name == "WEBP" else {}
    pixels = decode(picture(np.dstack([scene()] * 3 + [alpha]), name, **options)).pixels
    assert np.all(pixels[:20] == 0)
    assert np.array_equal(pixels[20:], scene()[20:])


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "LA", "YCbCr"])
def test_every_colour_space_is_brought_to_what_pillow_shows(mode):
    image = Image.fromarray(colour_scene()).convert(mode)
    want = image.convert("RGB")
    scan = decode(encoded(image, "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"))
    shown = scan.colour if scan.colour is not None else np.dstack([scan.pixels] * 3)
    assert np.abs(shown.astype(int) - np.asarray(want)).max() <= 2


def test_a_colour_space_that_cannot_be_converted_is_named():
    lab = Image.fromarray(colour_scene(), "RGB").convert("RGB")
    data = encoded(Image.frombytes("LAB", lab.size, lab.tobytes()), "TIFF")
    with pytest.raises(UnsupportedImageError, match="LAB"):
        decode(data)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(name, orientation):
    upright = np.zeros((32, 64), np.uint8)
    upright[:16, :32] = 250  # upper left
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = (
        Image.fromarray(upright).transpose(_UNDO[orientation])
        if orientation > 1
        else Image.fromarray(upright)
    )
    scan = decode(encoded(stored, name, exif=exif, **({"lossless": True} if name == "WEBP" else {})))
    assert (scan.info.width, scan.info.height) == (64, 32)
    assert np.abs(scan.pixels.astype(int) - upright).max() < 8


_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("name", ["TIFF", "WEBP"])
def test_each_page_or_frame_is_decoded_by_its_index(name):
    frames = [colour_scene(seed=seed) for seed in range(3)]
    data = animation(frames, name, **({"lossless": True} if name == "WEBP" else {}))
    assert inspect(data).frames == 3
    for index, frame in enumerate(frames):
        assert np.array_equal(decode(data, index).colour, frame)
    for index in (3, -1):
        with pytest.raises(FrameIndexError):
            decode(data, index)
    with pytest.raises(TooManyFramesError):
        inspect(data, ImagingLimits(max_frames=2))


def test_an_animated_png_shows_its_default_image():
    data = animation([colour_scene(), colour_scene(seed=5)], "PNG")
    assert inspect(data).frames == 1
    assert np.array_equal(decode(data).colour, colour_scene())


def test_metadata_of_a_png_never_reaches_the_decoder():
    plain = picture(scene(), "PNG")
    noisy = plain[:33] + png_chunk(b"iCCP", b"broken") + png_chunk(b"zTXt", b"\xff" * 99) + plain[33:]
    assert np.array_equal(decode(noisy).pixels, scene())


def test_the_limits_of_pillow_are_left_alone():
    before = Image.MAX_IMAGE_PIXELS
    decode(picture(scene(), "PNG"))
    with pytest.raises(Exception, match="megapixels"):
        decode(huge_png(60_000, 60_000))
    assert before == Image.MAX_IMAGE_PIXELS
    Image.open(BytesIO(picture(scene(), "PNG"))).load()
