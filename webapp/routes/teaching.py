"""Cases for a class: the list of them, the check before one is marked, its page, its pictures."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import BadRequest, InvalidInput
from webapp.forms.teaching import EdgesForm, MarkForm, SearchForm, TellingForm
from webapp.models import Edges
from webapp.routes.media import NO_COPY, png
from webapp.services import looking, presentations, slides, teaching, teaching_entries, teaching_lists
from webapp.signin import person

bp = Blueprint("teaching", __name__, url_prefix="/teaching")


@bp.get("")
def index() -> str:
    """Lists to present and cases to put into them."""
    form = SearchForm(request.args)
    form.validate()
    found = teaching.page(person(), form.q.data or "", form.truth.data or None, _number("before"))
    shown, more = found[: teaching.PAGE], len(found) > teaching.PAGE
    kept = {name: value for name, value in form.data.items() if value}
    return render_template(
        "teaching/index.html",
        cases=shown,
        more=more,
        form=form,
        kept=kept,
        lists=teaching_lists.all_of(person()),
        held=presentations.held(person()),
        out=request.args.get("out"),
        removed=request.args.get("removed"),
    )


@bp.get("/mark/<image_uid>/<int:frame>")
def check(image_uid: str, frame: int) -> str:
    """What the check found, what students would see, and the form to mark the image."""
    preview = teaching.preview(person(), image_uid, frame)
    edges = preview.marked.edges if preview.marked else Edges()
    return _mark_page(preview, MarkForm.before(preview.suggested, edges), {})


@bp.post("/mark/<image_uid>/<int:frame>")
def mark(image_uid: str, frame: int) -> ResponseReturnValue:
    """Mark the image; the page again, with what was typed, where one is wrong or a look was asked for."""
    form, user = MarkForm(), person()
    problems = {} if form.validate() else form.problems()
    if request.form.get("act") != "look" and not problems:
        try:
            case = teaching.mark(
                user, image_uid, frame, form.telling(), form.edges(), confirmed=bool(form.confirmed.data)
            )
        except InvalidInput as error:
            problems = error.problems
        else:
            flash("Marked for teaching. Tutors of your group see it as shown here.", "success")
            return redirect(url_for("teaching.show", uid=case.uid), 303)
    page = _mark_page(teaching.preview(user, image_uid, frame), form, problems)
    return page, InvalidInput.status if problems else 200


@bp.get("/mark/<image_uid>/<int:frame>.png")
def preview_png(image_uid: str, frame: int) -> Response:
    """The picture as students would see it with these edges cut off."""
    form = EdgesForm(request.args)
    form.validate()
    return png(teaching.preview_png(person(), image_uid, frame, form.edges()), NO_COPY)


@bp.get("/cases/<uid>")
def show(uid: str) -> str:
    """One teaching case, step by step as a class sees it, and what is said of it."""
    looking.at_teaching_case(person(), teaching.require(person(), uid))
    return _case_page(uid, None, {})


@bp.post("/cases/<uid>")
def tell(uid: str) -> ResponseReturnValue:
    """Change title, truth and notes; the page again, with what was typed, where one is wrong."""
    form = TellingForm()
    problems = {} if form.validate() else form.problems()
    if not problems:
        try:
            teaching.tell(person(), uid, form.telling())
        except InvalidInput as error:
            problems = error.problems
        else:
            flash("Saved.", "success")
            return redirect(url_for("teaching.show", uid=uid), 303)
    return _case_page(uid, form, problems), InvalidInput.status


@bp.post("/cases/<uid>/lists")
def add_to_list(uid: str) -> ResponseReturnValue:
    """Put a case at the end of the chosen list, and stay."""
    case, chosen = teaching.require(person(), uid), request.form.get("list")
    if chosen:
        try:
            added = teaching_entries.add(person(), chosen, [case.uid])
        except InvalidInput as error:
            flash(error.message, "error")
        else:
            name = teaching_lists.require(person(), chosen).name
            flash(f"Added at the end of {name}." if added else f"It is in {name} already.", "success")
    else:
        flash("Choose a list.", "error")
    return redirect(url_for("teaching.show", uid=uid), 303)


@bp.post("/cases/<uid>/out")
def take_out(uid: str) -> ResponseReturnValue:
    """Take a case out of teaching; the list offers to undo it."""
    case = teaching.take_out(person(), uid)
    return redirect(url_for("teaching.index", out=case.uid), 303)


@bp.post("/cases/<uid>/back")
def put_back(uid: str) -> ResponseReturnValue:
    """Undo that."""
    case = teaching.put_back(person(), uid)
    flash("Back in teaching, as it was.", "success")
    return redirect(url_for("teaching.show", uid=case.uid), 303)


@bp.get("/cases/<uid>/scan.png")
def scan(uid: str) -> Response:
    """The picture that a class sees."""
    return png(slides.scan_png(person(), uid), NO_COPY)


@bp.get("/cases/<uid>/thumbnail.png")
def thumbnail(uid: str) -> Response:
    """The same, small."""
    return png(slides.thumbnail_png(person(), uid))


@bp.get("/cases/<uid>/heatmaps/<label>.png")
def heatmap(uid: str, label: str) -> Response:
    """The heatmap that lies over it."""
    return png(slides.heatmap_png(person(), uid, label))


def _mark_page(preview: teaching.Preview, form: MarkForm, problems: dict[str, str]) -> str:
    return render_template("teaching/mark.html", preview=preview, form=form, problems=problems)


def _case_page(uid: str, form: TellingForm | None, problems: dict[str, str]) -> str:
    case = teaching.require(person(), uid)
    (slide,) = slides.of_cases([case])
    return render_template(
        "teaching/case.html",
        case=case,
        slide=slide,
        form=form or TellingForm.showing(teaching.told(case)),
        problems=problems,
        whole=teaching.sees_whole_case(person(), case),
        lists=teaching_lists.all_of(person()),
    )


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest(
            "This address of a page of the teaching cases is damaged. Start from its first page."
        )
    return int(text)
