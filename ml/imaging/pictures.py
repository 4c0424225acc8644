"""PNG, JPEG, TIFF, BMP and WebP through Pillow.

Each format's own class is called instead of `Image.open`: only the parser that the bytes asked for
runs, and limits are ours alone instead of those of the process (`Image.MAX_IMAGE_PIXELS`).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ml.errors import TooManyPixelsError, TruncatedImageError, UnsupportedImageError
from ml.imaging import deep, jpeg, png, tags
from ml.imaging.faults import named_errors
from ml.imaging.headers import announced_size
from ml.imaging.limits import MIB, ImagingLimits, check_index
from ml.imaging.shades import Picture, stretch
from ml.types import ScanInfo

MAX_RUN_LENGTH_BYTES = 4 * MIB
"""Pillow unrolls the runs of a BMP in Python, about a microsecond each."""
MAX_ANIMATED_PIXELS = 2_000_000_000
"""A frame of an animated WebP needs all frames before it: some 5 seconds at most."""
_BMP_RUNS = (1, 2)  # BI_RLE8, BI_RLE4
_CONVERTIBLE = frozenset(("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"))
PictureFormat = Literal["png", "jpeg", "tiff", "bmp", "webp"]

_UPRIGHT: dict[int, Callable[[Picture], Picture]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
"""What turns each EXIF orientation upright (EXIF 2.3, 4.6.4 A)."""


def read(data: bytes, name: PictureFormat, frame: int, limits: ImagingLimits) -> tuple[ScanInfo, Picture]:
    """Facts and one frame. A file of these formats says nothing of mm that can be trusted.

    Raises:
        ImageError: one of its kinds.
    """
    with named_errors(f"The {name.upper()} image data"):
        frames, picture = _READERS[name](data, frame, limits)
    height, width = picture.shape[:2]
    return ScanInfo(name, width, height, frames), picture


def _png(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    header = png.header(data)
    limits.check_size(header.width, header.height)
    check_index(frame, 1)
    picture = eight_bit(PngImagePlugin.PngImageFile(BytesIO(header.plain)))
    if not png.is_whole(header.plain):
        raise TruncatedImageError("The PNG file announces more pixels than it holds.")
    if header.deep_colour:  # proven whole by Pillow, which keeps 8 of the 16 bits
        picture = deep.read(header.plain)
    return 1, _upright(picture, header.orientation)


def _bmp(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    limits.check_size(*announced_size(data, "bmp"))
    check_index(frame, 1)
    if data[14] >= 40 and data[30] in _BMP_RUNS and len(data) > MAX_RUN_LENGTH_BYTES:
        raise UnsupportedImageError("Run-length compressed BMP files of this size aren't read.")
    return 1, eight_bit(BmpImagePlugin.BmpImageFile(BytesIO(data)))


def _webp(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    width, height = announced_size(data, "webp")
    limits.check_size(width, height)
    image = WebPImagePlugin.WebPImageFile(BytesIO(data))
    limits.check_frames(image.n_frames)
    check_index(frame, image.n_frames)
    if (frame + 1) * width * height > MAX_ANIMATED_PIXELS:
        raise TooManyPixelsError("This frame lies too far behind in an animation of this size.")
    image.seek(frame)
    return image.n_frames, _upright(eight_bit(image), tags.exif_orientation(image.info.get("exif", b"")))


def _jpeg(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    header = jpeg.header(data)
    limits.check_size(header.width, header.height)
    check_index(frame, 1)
    picture = eight_bit(JpegImagePlugin.JpegImageFile(BytesIO(header.plain)))
    if not jpeg.is_whole(header.plain):
        raise TruncatedImageError("The JPEG file announces more pixels than it holds.")
    return 1, _upright(picture, header.orientation)


def _tiff(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    pages = tags.directories(data, most=limits.max_frames)
    limits.check_frames(len(pages))
    check_index(frame, len(pages))
    page = pages[frame].first
    limits.check_size(page.get(tags.WIDTH, 0), page.get(tags.HEIGHT, 0))
    limits.check_size(page.get(tags.TILE_WIDTH, 1), page.get(tags.TILE_HEIGHT, 1))
    return len(pages), _tiff_page(data, frame, page)


def _tiff_page(data: bytes, frame: int, page: dict[int, int]) -> Picture:
    try:
        image = TiffImagePlugin.TiffImageFile(BytesIO(data))
        image.seek(frame)
    except SyntaxError:  # a layout of samples that Pillow doesn't know
        return deep.read(data, frame)
    if max(tile.extents[3] for tile in image.tile if tile.extents) < page[tags.HEIGHT]:
        raise TruncatedImageError("The TIFF file lists fewer strips than its rows need.")
    picture = eight_bit(image)
    if page.get(tags.BITS, 1) > 8 and page.get(tags.PHOTOMETRIC) == tags.RGB:
        return deep.read(data, frame)  # proven whole by Pillow, which keeps 8 of the bits
    negative = page.get(tags.PHOTOMETRIC) == tags.WHITE_IS_ZERO and _is_deep(image)
    return 255 - picture if negative else picture


_READERS = {"png": _png, "jpeg": _jpeg, "tiff": _tiff, "bmp": _bmp, "webp": _webp}


def eight_bit(image: ImageFile.ImageFile | Image.Image) -> Picture:
    """Pixels of a Pillow image of any mode -> uint8 (H, W) or (H, W, 3).

    Values of more than 8 bits go to 0..255 by their range; transparent parts become black.
    """
    image.load()
    if _is_deep(image):
        return stretch(np.asarray(image))
    if image.mode not in _CONVERTIBLE:
        raise UnsupportedImageError(f"Pictures in the colour space {image.mode} aren't read.")
    plain = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if not image.has_transparency_data and image.mode not in ("La", "RGBa"):
        return np.array(image.convert(plain))
    layered = image.convert({"La": "LA", "LA": "LA"}.get(image.mode, "RGBA"))
    black = Image.new(plain, image.size)
    return np.array(Image.composite(layered.convert(plain), black, layered.getchannel("A")))


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;")


def _upright(picture: Picture, orientation: int) -> Picture:
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(turn(picture)) if turn else picture
