"""What was erased, and erasing a case: for administrators."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import InvalidInput
from webapp.services import retention
from webapp.signin import person

bp = Blueprint("retention", __name__, url_prefix="/retention")


@bp.get("")
def index() -> str:
    """The policy, and the cases erased so far."""
    return render_template("retention/index.html", overview=retention.overview(person()))


@bp.get("/find")
def find() -> ResponseReturnValue:
    """From the form of the index to the question about the case named there."""
    return redirect(url_for("retention.question", uid=request.args.get("uid", "").strip() or "none"))


@bp.get("/cases/<uid>")
def question(uid: str) -> str:
    """What would go with the case, and the question whether it should."""
    return _question(uid, {})


@bp.post("/cases/<uid>")
def erase(uid: str) -> ResponseReturnValue:
    """Erase the case, where the beginning of its identifier was typed."""
    try:
        retention.erase_by_hand(person(), uid, request.form.get("typed", ""))
    except InvalidInput as error:
        return _question(uid, error.problems), error.status
    flash("The case was erased.", "success")
    return redirect(url_for("retention.index"), 303)


def _question(uid: str, problems: dict[str, str]) -> str:
    plan = retention.question(person(), uid)
    wanted = plan.exam_uid[: retention.CONFIRM_LETTERS]
    return render_template("retention/question.html", plan=plan, wanted=wanted, problems=problems)
