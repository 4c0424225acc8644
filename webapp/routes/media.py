"""Pictures drawn from pixels alone, and the download of a file as it was received."""

from __future__ import annotations

from flask import Blueprint, Response, request

from webapp.services import pictures
from webapp.signin import person

bp = Blueprint("media", __name__, url_prefix="/media")

PRIVATE = "private, max-age=600"
"""A picture never changes under its address, but a shared workstation should not keep it for long."""


@bp.get("/images/<image_uid>/<int:frame>.png")
def frame(image_uid: str, frame: int) -> Response:
    """One frame, in its own size."""
    return _png(pictures.frame_png(person(), image_uid, frame))


@bp.get("/thumbnails/<image_uid>.png")
def thumbnail(image_uid: str) -> Response:
    """The first frame, small."""
    return _png(pictures.thumbnail_png(person(), image_uid))


@bp.get("/heatmaps/<analysis_uid>/<label>.png")
def heatmap(analysis_uid: str, label: str) -> Response:
    """The heatmap of one class, transparent where there is no evidence."""
    return _png(pictures.heatmap_png(person(), analysis_uid, label))


@bp.get("/originals/<image_uid>")
def original(image_uid: str) -> Response:
    """The file, byte for byte; always a download, never shown by the browser."""
    file = pictures.original(person(), image_uid)
    answer = Response(file.data, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=file.filename)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _png(data: bytes) -> Response:
    answer = Response(data, mimetype="image/png")
    answer.headers["Cache-Control"] = PRIVATE
    answer.add_etag()
    answer.make_conditional(request)
    return answer
