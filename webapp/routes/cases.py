"""The case page and the part of it that comes in by itself: the second read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import BadRequest, Conflict
from webapp.forms.filters import FilterForm
from webapp.forms.outcomes import OutcomeForm
from webapp.forms.reads import ReadForm
from webapp.presentation import signed_in_zone
from webapp.services import analyses, cases, history, looking, reanalysis
from webapp.signin import person

bp = Blueprint("cases", __name__, url_prefix="/cases/<uid>")


@bp.get("", defaults={"image_uid": None})
@bp.get("/images/<image_uid>")
def show(uid: str, image_uid: str | None) -> str:
    """The reading layout, with one image and frame in view."""
    user = person()
    form = FilterForm(request.args).with_readers(history.readers(user))
    form.validate()
    view = cases.view(user, uid, image_uid, _frame(request.args.get("frame")), form.filters(signed_in_zone()))
    looking.at_page(user, view.image, view.frame)
    return part("cases/case.html", view, kept=form.address())


def part(name: str, view: cases.CaseView | cases.Reading, **more: Any) -> str:
    """The case page, or a part of it, with its forms as they are before anybody has typed; `more` says
    what is otherwise."""
    usual: dict[str, Any] = {"form": ReadForm.showing(view.mine), "problems": {}, "kept": {}}
    usual |= {"outcome_form": OutcomeForm, "typed": None, "outcome_problems": {}}
    return render_template(name, view=view, **{**usual, **more})


@bp.get("/images/<image_uid>/result")
def result(uid: str, image_uid: str) -> ResponseReturnValue:
    """The second read of one frame, as a part of the page. 204 while it stands as the asker knows it."""
    user = person()
    cases.require_image_of(user, uid, image_uid)
    status = analyses.status(user, image_uid, _frame(request.args.get("frame")) or 0)
    if status.pending and request.args.get("known") == status.standing:
        return "", 204
    return render_template("cases/result.html", status=status, uid=uid)


@bp.get("/analyses/<analysis_uid>")
def answer(uid: str, analysis_uid: str) -> str:
    """What one network said, the newest or an earlier one, to be looked at alone."""
    analysis = cases.answer(person(), uid, analysis_uid)
    looking.at_page(person(), analysis.image, analysis.frame)
    return render_template("cases/answer.html", analysis=analysis, uid=uid)


@bp.post("/images/<image_uid>/analyse")
def analyse(uid: str, image_uid: str) -> ResponseReturnValue:
    """Ask for the second read of a frame, or once more for one that failed."""
    user = person()
    cases.require_image_of(user, uid, image_uid)
    frame = _frame(request.form.get("frame")) or 0
    analyses.request_frame(user, image_uid, frame)
    to = "cases.result" if request.headers.get("HX-Request") else "cases.show"
    return redirect(url_for(to, uid=uid, image_uid=image_uid, frame=frame), 303)


@bp.post("/reanalyse")
def reanalyse(uid: str) -> ResponseReturnValue:
    """Ask the active network for what it has not answered of the case. Its answers join the earlier ones."""
    try:
        asked = reanalysis.of_case(person(), uid)
    except Conflict as error:
        flash(error.message, "info")
    else:
        flash(f"{asked} {'frame waits' if asked == 1 else 'frames wait'} for the active network.", "success")
    image_uid, frame = request.form.get("image") or None, _frame(request.form.get("frame"))
    return redirect(url_for("cases.show", uid=uid, image_uid=image_uid, frame=frame), 303)


def _frame(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadRequest("A frame is a whole number, counted from 0.")
    return int(text)
