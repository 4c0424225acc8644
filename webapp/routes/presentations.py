"""A list before a class: the projected pages, the tutor's notes beside them, the hand counts, the summary."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.error_pages import wants_json
from webapp.errors import InvalidInput
from webapp.forms.lessons import HANDS, HandsForm, PlaceForm
from webapp.models import now
from webapp.services import hands, presentations, steps
from webapp.signin import person

bp = Blueprint("presentations", __name__, url_prefix="/presentations")


@bp.post("/start/<uid>")
def start(uid: str) -> ResponseReturnValue:
    """Begin a class with the list `uid`."""
    try:
        show_ = presentations.start(person(), uid)
    except InvalidInput as error:
        flash(error.message, "error")
        return redirect(url_for("teaching_lists.show", uid=uid), 303)
    return redirect(url_for("presentations.show", uid=show_.uid), 303)


@bp.get("/<uid>")
def show(uid: str) -> str:
    """What is projected. Every sheet is in the page, so that it needs no connection once it is there; the
    address says which one is seen, for browsers without scripts and for coming back."""
    shown = presentations.shown(person(), uid)
    around = steps.around(shown.slides, *PlaceForm(request.args).place())
    made = int(now().timestamp())  # a copy that the browser keeps says how old it is
    return render_template("presentations/show.html", shown=shown, around=around, answers=HANDS, made=made)


@bp.get("/<uid>/notes")
def notes(uid: str) -> str:
    """What the tutor wants to say, for a second window that is not projected."""
    presentation = presentations.require(person(), uid)
    return render_template(
        "presentations/notes.html", presentation=presentation, notes=presentations.notes(person(), uid)
    )


@bp.post("/<uid>/hands/<case_uid>")
def count(uid: str, case_uid: str) -> ResponseReturnValue:
    """Keep a hand count; nothing for a script, the same sheet again for others."""
    form = HandsForm()
    if not form.validate():
        raise InvalidInput(f"A count is a whole number from 0 to {hands.MOST}.", form.problems())
    hands.count(person(), uid, case_uid, form.hands())
    if wants_json():
        return "", 204
    place = PlaceForm(request.args).place()
    return redirect(url_for("presentations.show", uid=uid, case=place[0], step=place[1]), 303)


@bp.get("/<uid>/summary")
def summary(uid: str) -> str:
    """What the class answered, case by case."""
    shown = presentations.shown(person(), uid)
    return render_template("presentations/summary.html", shown=shown, answers=HANDS)


@bp.get("/worker.js")
def worker() -> Response:
    """The script that keeps a presentation for when the connection is lost. It is served from here because a
    browser lets it look after pages below its own address only."""
    return current_app.send_static_file("js/presentation-worker.js")
