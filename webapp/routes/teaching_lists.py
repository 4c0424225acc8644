"""Lists of teaching cases: made, named, put in order, given notes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import BadRequest, InvalidInput
from webapp.forms.lessons import ListForm, NotesForm
from webapp.forms.teaching import SearchForm
from webapp.services import presentations, teaching, teaching_entries, teaching_lists
from webapp.signin import person

bp = Blueprint("teaching_lists", __name__, url_prefix="/teaching/lists")

MOVES = {"up": -1, "down": 1, "top": -teaching_entries.MAX_ENTRIES, "bottom": teaching_entries.MAX_ENTRIES}


@bp.post("")
def create() -> ResponseReturnValue:
    """Make an empty list and go to it."""
    form = ListForm()
    kept = teaching_lists.create(person(), form.name.data or "")
    return redirect(url_for("teaching_lists.show", uid=kept.uid), 303)


@bp.get("/<uid>")
def show(uid: str) -> str:
    """The cases of a list in their order, and those that could be added."""
    return _page(uid, None, {})


@bp.post("/<uid>")
def change(uid: str) -> ResponseReturnValue:
    """Keep name and order; the page again, with what was typed, where the name can't be used."""
    form = ListForm()
    try:
        teaching_lists.change(person(), uid, form.name.data or "", shuffled=form.order.data == "shuffled")
    except InvalidInput as error:
        return _page(uid, form, error.problems), error.status
    flash("Saved.", "success")
    return redirect(url_for("teaching_lists.show", uid=uid), 303)


@bp.post("/<uid>/remove")
def remove(uid: str) -> ResponseReturnValue:
    """Remove a list; the page of teaching offers to undo it."""
    kept = teaching_lists.remove(person(), uid)
    return redirect(url_for("teaching.index", removed=kept.uid), 303)


@bp.post("/<uid>/back")
def put_back(uid: str) -> ResponseReturnValue:
    """Undo that."""
    kept = teaching_lists.put_back(person(), uid)
    flash("The list is back, as it was.", "success")
    return redirect(url_for("teaching_lists.show", uid=kept.uid), 303)


@bp.post("/<uid>/cases")
def add(uid: str) -> ResponseReturnValue:
    """Put the chosen cases at the end of the list."""
    try:
        added = teaching_entries.add(person(), uid, request.form.getlist("case"))
    except InvalidInput as error:
        return _page(uid, None, error.problems), error.status
    flash(f"{added} case{'' if added == 1 else 's'} added at the end.", "success")
    return redirect(url_for("teaching_lists.show", uid=uid), 303)


@bp.post("/entries/<uid>/move")
def move(uid: str) -> ResponseReturnValue:
    """Move a case up or down."""
    by = MOVES.get(request.form.get("to", ""))
    if by is None:
        raise BadRequest(f"A case moves {', '.join(MOVES)}.")
    return _at(teaching_entries.list_of(teaching_entries.move(person(), uid, by)), uid)


@bp.post("/entries/<uid>/notes")
def note(uid: str) -> ResponseReturnValue:
    """Keep the tutor's notes to a case in this list."""
    form = NotesForm()
    try:
        entry = teaching_entries.note(person(), uid, form.words())
    except InvalidInput as error:
        kept = teaching_entries.list_of(teaching_entries.require(person(), uid))
        return _page(kept, None, {"entry": uid, "typed": form.words(), **error.problems}), error.status
    flash("Notes saved.", "success")
    return _at(teaching_entries.list_of(entry), uid)


@bp.post("/entries/<uid>/out")
def take_out(uid: str) -> ResponseReturnValue:
    """Take a case out of the list; the page offers to undo it."""
    entry = teaching_entries.take_out(person(), uid)
    return redirect(url_for("teaching_lists.show", uid=teaching_entries.list_of(entry), out=uid), 303)


@bp.post("/entries/<uid>/back")
def put_entry_back(uid: str) -> ResponseReturnValue:
    """Undo that."""
    return _at(teaching_entries.list_of(teaching_entries.put_back(person(), uid)), uid)


def _at(list_uid: str, entry_uid: str) -> ResponseReturnValue:
    return redirect(url_for("teaching_lists.show", uid=list_uid, _anchor=f"entry-{entry_uid}"), 303)


def _page(uid: str, form: ListForm | None, problems: dict[str, str]) -> str:
    kept = teaching_lists.require(person(), uid)
    order = "shuffled" if kept.shuffled else "fixed"
    search = SearchForm(request.args)
    search.validate()
    entries = teaching_entries.of_list(kept)
    inside = {entry.case_id for entry in entries}
    found = teaching.page(person(), search.q.data or "", search.truth.data or None)
    return render_template(
        "teaching_lists/list.html",
        list=kept,
        entries=entries,
        offered=[case for case in found[: teaching.PAGE] if case.id not in inside],
        more=len(found) > teaching.PAGE,
        form=form or ListForm(formdata=None, name=kept.name, order=order),
        search=search,
        searched=bool(search.q.data or search.truth.data),
        held=presentations.held(person(), kept),
        problems=problems,
        out=request.args.get("out"),
    )
