"""A reader answers."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import InvalidInput
from webapp.forms.reads import ReadForm
from webapp.routes.cases import part
from webapp.services import cases, reads
from webapp.signin import person

bp = Blueprint("reads", __name__, url_prefix="/cases/<uid>/images/<image_uid>/reads")


@bp.post("")
def save(uid: str, image_uid: str) -> ResponseReturnValue:
    """Keep the read as a new version; then its part of the page for htmx, the whole page for others."""
    cases.require_image_of(person(), uid, image_uid)
    form = ReadForm()
    if not form.validate():
        return _again(uid, image_uid, form, form.problems(), InvalidInput.status)
    try:
        read = reads.save(person(), image_uid, form.answer(), form.analysis.data)
    except InvalidInput as error:
        return _again(uid, image_uid, form, error.problems or {"": error.message}, error.status)
    return _saved(uid, image_uid, ReadForm.showing(read), f"Read saved, version {read.version}.")


def _saved(uid: str, image_uid: str, form: ReadForm, words: str) -> ResponseReturnValue:
    if not request.headers.get("HX-Request"):
        flash(words, "success")
        return redirect(url_for("cases.show", uid=uid, image_uid=image_uid), 303)
    return _shown(uid, image_uid, form, said=words)


def _again(
    uid: str, image_uid: str, form: ReadForm, problems: dict[str, str], status: int
) -> ResponseReturnValue:
    """What was typed, and what is wrong with it."""
    return _shown(uid, image_uid, form, problems=problems), status


def _shown(uid: str, image_uid: str, form: ReadForm, **more: object) -> str:
    """The reads part for htmx, the whole case page for others."""
    if request.headers.get("HX-Request"):
        reading = cases.reading(person(), uid, image_uid, form.analysis.data)
        return part("cases/reads.html", reading, form=form, **more)
    return part("cases/case.html", cases.view(person(), uid, image_uid), form=form, **more)
