"""Pictures drawn from pixels alone, and the download of a file as it was received."""

from __future__ import annotations

from flask import Blueprint, Response, request

from webapp.services import pictures
from webapp.signin import person

bp = Blueprint("media", __name__, url_prefix="/media")

PRIVATE = "private, max-age=600"
"""For small pictures, on which no burned-in name can be read: lists would ask for them again and again."""
NO_COPY = "no-store"
"""For scans in their own size."""


@bp.get("/images/<image_uid>/<int:frame>.png")
def frame(image_uid: str, frame: int) -> Response:
    """One frame, in its own size."""
    return png(pictures.frame_png(person(), image_uid, frame), NO_COPY)


@bp.get("/thumbnails/<image_uid>.png")
def thumbnail(image_uid: str) -> Response:
    """The first frame, small."""
    return png(pictures.thumbnail_png(person(), image_uid))


@bp.get("/heatmaps/<analysis_uid>/<label>.png")
def heatmap(analysis_uid: str, label: str) -> Response:
    """The heatmap of one class, transparent where there is no evidence."""
    return png(pictures.heatmap_png(person(), analysis_uid, label))


@bp.get("/originals/<image_uid>")
def original(image_uid: str) -> Response:
    """The file, byte for byte; always a download, never shown by the browser."""
    file = pictures.original(person(), image_uid)
    answer = Response(file.data, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=file.filename)
    answer.headers["Cache-Control"] = NO_COPY
    return answer


def png(data: bytes, cache: str = PRIVATE) -> Response:
    """A picture as an answer, and not sent again where the browser has it."""
    answer = Response(data, mimetype="image/png")
    answer.headers["Cache-Control"] = cache
    answer.add_etag()
    answer.make_conditional(request)
    return answer
