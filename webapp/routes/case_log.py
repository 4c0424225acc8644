"""What was done to which case, and a case's whole story: for admins, who see no image."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from webapp.presentation import signed_in_zone
from webapp.routes.audit_log import cursor, filter_form, sent
from webapp.services import case_story, log_export, log_reviews
from webapp.signin import person

bp = Blueprint("case_log", __name__, url_prefix="/case-log")


@bp.get("")
def index() -> str:
    """The list layout: every act on a case, newest first."""
    form = filter_form(on_cases=True)
    filters = form.filters(signed_in_zone(), on_cases=True)
    page = log_reviews.look(person(), filters, after=cursor("after"), before=cursor("before"))
    return render_template("logs/cases.html", page=page, form=form, kept=form.address())


@bp.get("/entries.csv")
def export_csv() -> Response:
    """The filtered log as CSV."""
    return sent("case_log", log_export.csv_lines, "csv")


@bp.get("/entries.json")
def export_json() -> Response:
    """The filtered log as JSON."""
    return sent("case_log", log_export.json_lines, "json")


@bp.get("/<uid>")
def story(uid: str) -> str:
    """One case from its upload to its end."""
    return render_template("logs/story.html", story=case_story.story(person(), uid, cursor("after")))
