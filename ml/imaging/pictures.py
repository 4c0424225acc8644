"""PNG, JPEG, TIFF, BMP and WebP through Pillow.

Each format's own class is called instead of `Image.open`: only the parser that the bytes asked for
runs, and limits are ours alone instead of those of the process (`Image.MAX_IMAGE_PIXELS`).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import BmpImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from ml.errors import TruncatedImageError
from ml.imaging import jpeg, tags
from ml.imaging.faults import named_errors
from ml.imaging.headers import announced_size
from ml.imaging.limits import ImagingLimits, check_index
from ml.imaging.shades import Picture, stretch
from ml.types import ScanInfo

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
    limits.check_size(*announced_size(data, "png"))
    check_index(frame, 1)
    image = PngImagePlugin.PngImageFile(BytesIO(data))
    picture = eight_bit(image)
    return 1, _upright(picture, tags.exif_orientation(image.info.get("exif", b"")))


def _bmp(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    limits.check_size(*announced_size(data, "bmp"))
    check_index(frame, 1)
    return 1, eight_bit(BmpImagePlugin.BmpImageFile(BytesIO(data)))


def _webp(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    limits.check_size(*announced_size(data, "webp"))
    image = WebPImagePlugin.WebPImageFile(BytesIO(data))
    limits.check_frames(image.n_frames)
    check_index(frame, image.n_frames)
    image.seek(frame)
    return image.n_frames, _upright(eight_bit(image), tags.exif_orientation(image.info.get("exif", b"")))


def _jpeg(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    header = jpeg.header(data)
    limits.check_size(header.width, header.height)
    check_index(frame, 1)
    picture = _jpeg_picture(header.plain)
    if not np.array_equal(picture, _jpeg_picture(jpeg.with_tail(header.plain))):
        raise TruncatedImageError("The JPEG file announces more pixels than it holds.")
    return 1, _upright(picture, header.orientation)


def _jpeg_picture(plain: bytes) -> Picture:
    return eight_bit(JpegImagePlugin.JpegImageFile(BytesIO(plain)))


def _tiff(data: bytes, frame: int, limits: ImagingLimits) -> tuple[int, Picture]:
    pages = tags.directories(data, most=limits.max_frames)
    limits.check_frames(len(pages))
    check_index(frame, len(pages))
    page = pages[frame].first
    limits.check_size(page.get(tags.WIDTH, 0), page.get(tags.HEIGHT, 0))
    limits.check_size(page.get(tags.TILE_WIDTH, 1), page.get(tags.TILE_HEIGHT, 1))
    image = TiffImagePlugin.TiffImageFile(BytesIO(data))
    image.seek(frame)
    if max(tile.extents[3] for tile in image.tile if tile.extents) < page[tags.HEIGHT]:
        raise TruncatedImageError("The TIFF file lists fewer strips than its rows need.")
    return len(pages), eight_bit(image)


_READERS = {"png": _png, "jpeg": _jpeg, "tiff": _tiff, "bmp": _bmp, "webp": _webp}


def eight_bit(image: ImageFile.ImageFile | Image.Image) -> Picture:
    """Pixels of a Pillow image of any mode -> uint8 (H, W) or (H, W, 3).

    Values of more than 8 bits go to 0..255 by their range; transparent parts become black.
    """
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return stretch(np.asarray(image))
    plain = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if not image.has_transparency_data and image.mode not in ("La", "RGBa"):
        return np.array(image.convert(plain))
    layered = image.convert({"La": "LA", "LA": "LA"}.get(image.mode, "RGBA"))
    black = Image.new(plain, image.size)
    return np.array(Image.composite(layered.convert(plain), black, layered.getchannel("A")))


def _upright(picture: Picture, orientation: int) -> Picture:
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(turn(picture)) if turn else picture
