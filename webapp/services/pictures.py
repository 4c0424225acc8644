"""Pictures of scans and heatmaps, drawn from pixels and numbers alone, kept so as not to be drawn twice.

Nothing of an uploaded file reaches a browser but through here, save the download of the original.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image as Picture
from sqlalchemy import select

import ml
from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Analysis, Edges, Image, User
from webapp.permissions import require_image
from webapp.services import audit, decoding, heatmaps, looking
from webapp.services.storage import StorageError, StoredFileMissing, derived_key, storage

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 192
_HEATMAP_SIDE = 1024
"""Longest side of a heatmap picture, pixels. It is smooth: the page stretches it over the scan."""
_VERSION = 1
"""Goes up when a picture is drawn in another way, so that none of the old kind is shown."""


class NotDrawable(InvalidInput):
    """A frame of a stored file can't be decoded. Frame 0 could at upload; later ones may be damaged."""

    code = "not_drawable"


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was received."""

    filename: str
    data: bytes


def frame_png(user: User, image_uid: str, frame: int) -> bytes:
    """A frame as a PNG of its own size, grey or colour.

    Raises:
        NotFound: no such image for `user`, or no such frame.
        NotDrawable: the frame is damaged.
        DecoderUnavailable, StorageError: the file can't be looked at or read just now.
    """
    image = require_image(user, image_uid)
    if not 0 <= frame < image.frames:
        raise NotFound(f"This image has {image.frames} frames; there is no frame {frame}.")
    looking.at_pixels(user, image)
    return _frame(image, frame)


def thumbnail_png(user: User, image_uid: str) -> bytes:
    """The first frame, at most `THUMBNAIL_SIDE` pixels wide and high. Errors as in `frame_png`."""
    image = require_image(user, image_uid)
    return _kept(derived_key("thumbnail", _VERSION, image.uid), lambda: _shrunk(_frame(image, 0)))


def heatmap_png(user: User, analysis_uid: str, label: str) -> bytes:
    """The heatmap of one class as a transparent PNG of the frame's shape, to lie over it.

    Raises:
        NotFound: no such analysis for `user`, or no such class.
    """
    analysis = db.session.scalar(select(Analysis).where(Analysis.uid == analysis_uid))
    if analysis is None or label not in analysis.heatmaps:
        raise NotFound("There is no such heatmap, or it belongs to another group.")
    image = require_image(user, analysis.image.uid)
    return _kept(derived_key("heatmap", _VERSION, analysis.uid, label), lambda: _heat(analysis, label, image))


def derived_keys(image: Image) -> list[str]:
    """The keys of every picture that may have been drawn of an image and its analyses."""
    frames = [derived_key("frame", _VERSION, image.uid, frame) for frame in range(image.frames)]
    heatmaps_ = [
        derived_key("heatmap", _VERSION, analysis.uid, label)
        for analysis in image.analyses
        for label in analysis.heatmaps
    ]
    return [derived_key("thumbnail", _VERSION, image.uid), *frames, *heatmaps_]


def original(user: User, image_uid: str) -> Original:
    """The file as received, byte for byte. Errors as in `frame_png`. Without its entry in the audit log
    no file leaves the house."""
    image = require_image(user, image_uid)
    file = Original(image.filename, storage().read(image.storage_key))
    audit.record_at_once("original_downloaded", user, "image", image.uid, sha256=image.sha256)
    return file


def cut_frame_png(image: Image, frame: int, edges: Edges) -> bytes:
    """A frame without its edges, as a class sees it. The caller has asked who is looking. Errors as above.

    What is cut is not kept beside the whole: it is quickly cut again, and there is less to erase.
    """
    return _cut(_frame(image, frame), edges)


def cut_thumbnail_png(image: Image, frame: int, edges: Edges) -> bytes:
    """The same, small."""
    return _shrunk(cut_frame_png(image, frame, edges))


def cut_heatmap_png(analysis: Analysis, label: str, edges: Edges) -> bytes:
    """The heatmap of a class that the analysis has, cut as the frame is."""
    image = analysis.image
    key = derived_key("heatmap", _VERSION, analysis.uid, label)
    return _cut(_kept(key, lambda: _heat(analysis, label, image)), edges, _heat_scale(image))


def _cut(png: bytes, edges: Edges, scale: float = 1.0) -> bytes:
    """`scale`: pixels of the picture a pixel of the frame, in which `edges` are given."""
    if not edges.any():
        return png
    with Picture.open(BytesIO(png)) as picture:
        width, height = picture.size
        box = (edges.left, edges.top, width / scale - edges.right, height / scale - edges.bottom)
        file = BytesIO()
        picture.crop(tuple(round(side * scale) for side in box)).save(file, "PNG")  # type: ignore[arg-type]
    return file.getvalue()


def _frame(image: Image, frame: int) -> bytes:
    def draw() -> bytes:
        try:
            return ml.scan_png(decoding.decode(storage().read(image.storage_key), frame))
        except ml.ImageError as error:
            raise NotDrawable(str(error)) from error

    return _kept(derived_key("frame", _VERSION, image.uid, frame), draw)


def _shrunk(png: bytes) -> bytes:
    with Picture.open(BytesIO(png)) as picture:
        picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        file = BytesIO()
        picture.save(file, "PNG")
    return file.getvalue()


def _heat(analysis: Analysis, label: str, image: Image) -> bytes:
    scale = _heat_scale(image)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return ml.heat_png(heatmaps.from_json(label, analysis.heatmaps[label]), width, height)


def _heat_scale(image: Image) -> float:
    return min(1.0, _HEATMAP_SIDE / max(image.width, image.height))


def _kept(key: str, draw: Callable[[], bytes]) -> bytes:
    """The picture under `key`, drawn and kept where there is none. That it can't be kept harms nobody."""
    try:
        return storage().read(key)
    except StoredFileMissing:
        data = draw()
    try:
        storage().keep(key, data)
    except StorageError as error:
        log.warning("a picture was drawn but not kept: %s", error.code)
    return data
