"""The worklist: every case newest first, the drop page, the export, and the news of what is pending."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from webapp.errors import BadRequest
from webapp.forms.filters import FilterForm
from webapp.forms.uploads import UploadForm
from webapp.presentation import signed_in_zone
from webapp.services import export, findings, history, near_copies
from webapp.services.history import Cursor
from webapp.services.near_copies import NearCopies
from webapp.signin import person

bp = Blueprint("worklist", __name__)

MOST_NEWS = 200
"""Images that one request for news may name."""


@bp.get("/")
def index() -> str:
    """The list layout. Filters and the place in the list live in the address."""
    user = person()
    form = FilterForm(request.args).with_readers(history.readers(user))
    form.validate()
    page = history.page(
        user, form.filters(signed_in_zone()), after=_cursor("after"), before=_cursor("before")
    )
    return render_template("worklist/worklist.html", page=page, form=form, kept=form.address())


@bp.get("/upload")
def upload() -> str:
    """The drop page."""
    return render_template("worklist/upload.html", form=UploadForm())


@bp.get("/history.csv")
def export_csv() -> Response:
    """The filtered list as a file, sent as it is read."""
    user = person()
    form = FilterForm(request.args).with_readers(history.readers(user))
    if not form.validate():
        raise BadRequest("One of the filters in this address is not valid. Set it again on the worklist.")
    lines = export.csv_lines(user, form.filters(signed_in_zone()))
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=secondread-history.csv"
    return answer


@bp.get("/news")
def news() -> ResponseReturnValue:
    """How the named images stand: {uid: {"pending": bool, and the parts of a list as HTML}}."""
    uids = request.args.getlist("image")
    if len(uids) > MOST_NEWS:
        raise BadRequest(f"Ask for the news of at most {MOST_NEWS} images at once.")
    states = findings.of_images(person(), uids)
    copies = near_copies.of_images(person(), [state.uid for state in states if not state.pending])
    return jsonify(
        {
            state.uid: {
                "pending": state.pending,
                "verdict": render_template("worklist/verdict.html", state=state),
                "call": render_template("worklist/call.html", state=state),
                "near_copies": _near_copies(copies.get(state.uid)),
            }
            for state in states
        }
    )


def _near_copies(copies: NearCopies | None) -> str:
    return render_template("cases/near_copies.html", copies=copies) if copies else ""


def _cursor(name: str) -> Cursor | None:
    text = request.args.get(name)
    return Cursor.parse(text) if text else None
