"""The audit log, its verification and its reviews: for admins."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import BadRequest, InvalidInput
from webapp.forms.logs import LogFilterForm, ReviewForm
from webapp.models import User
from webapp.presentation import signed_in_zone
from webapp.services import log_export, log_reviews, log_search
from webapp.services.history import Cursor
from webapp.services.log_export import Log
from webapp.services.log_search import LogFilters
from webapp.signin import person

bp = Blueprint("audit_log", __name__, url_prefix="/audit")


@bp.get("")
def index() -> str:
    """The list layout: everything that was done, how the log stands, and its reviews."""
    form = filter_form(on_cases=False)
    filters = form.filters(signed_in_zone(), on_cases=False)
    standing = log_reviews.standing(person())
    page = log_reviews.look(person(), filters, after=cursor("after"), before=cursor("before"))
    return render_template(
        "logs/audit.html", page=page, form=form, kept=form.address(), standing=standing,
        most=log_reviews.MOST_HERE,
    )  # fmt: skip


@bp.get("/entries.csv")
def export_csv() -> Response:
    """The filtered log as CSV."""
    return sent("audit_log", log_export.csv_lines, "csv")


@bp.get("/entries.json")
def export_json() -> Response:
    """The filtered log as JSON."""
    return sent("audit_log", log_export.json_lines, "json")


@bp.post("/verify")
def verify() -> ResponseReturnValue:
    """Verify the whole log; the page then says how it stands."""
    report = log_reviews.verify(person())
    if report.whole:
        flash(f"The log is whole: {report.entries} entries read.", "success")
    else:
        flash(" ".join(fault.words for fault in report.faults[:5]), "error")
    return redirect(url_for("audit_log.index"), 303)


@bp.get("/review")
def review() -> str:
    """What nobody has signed for yet, the oldest first, and where to sign."""
    return _review_page(ReviewForm(formdata=None), {})


@bp.post("/review")
def sign() -> ResponseReturnValue:
    """Sign up to the entry that was shown last; the page again where the note is too long."""
    form = ReviewForm()
    if not form.validate():
        return _review_page(form, form.problems()), InvalidInput.status
    signed = log_reviews.sign(
        person(), form.up_to.data or 0, form.entry_hash.data or "", form.note.data or ""
    )
    flash(f"Signed: reviewed up to entry {signed.up_to}.", "success")
    return redirect(url_for("audit_log.index"), 303)


def filter_form(*, on_cases: bool) -> LogFilterForm:
    """The filters as the address has them, judged."""
    form = LogFilterForm(request.args).offering(log_search.names(), on_cases=on_cases)
    form.validate()
    return form


def cursor(name: str) -> Cursor | None:
    """The place in the list that the address names."""
    text = request.args.get(name)
    return Cursor.parse(text) if text else None


def sent(log: Log, lines: Callable[[User, Log, LogFilters], Iterator[str]], kind: str) -> Response:
    """A log as a file, sent as it is read."""
    form = filter_form(on_cases=log == "case_log")
    if form.errors:
        raise BadRequest(
            "One of the filters in this address is not valid. Set it again on the page of the log."
        )
    pieces = lines(person(), log, form.filters(signed_in_zone(), on_cases=log == "case_log"))
    answer = Response(stream_with_context(pieces), mimetype={"csv": "text/csv"}.get(kind, "application/json"))
    name = f"secondread-{log.replace('_', '-')}.{kind}"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _review_page(form: ReviewForm, problems: dict[str, str]) -> str:
    after = request.args.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise BadRequest("A review starts behind the number of an entry.")
    standing = log_reviews.standing(person())
    lines = log_reviews.unreviewed(person(), int(after))
    return render_template("logs/review.html", lines=lines, standing=standing, form=form, problems=problems)
