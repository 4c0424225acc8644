"""A radiologist enters what pathology or follow-up said, or takes it back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import AppError, Conflict, InvalidInput
from webapp.forms.choices import SIDES
from webapp.forms.outcomes import OutcomeForm, WithdrawalForm
from webapp.models import Outcome
from webapp.routes.cases import part
from webapp.services import cases, outcomes
from webapp.signin import person

bp = Blueprint("outcomes", __name__, url_prefix="/cases/<uid>/outcomes")


@bp.post("")
def save(uid: str) -> ResponseReturnValue:
    """Keep the outcome as a new version; then its part of the page for htmx, the whole page for others."""
    form = OutcomeForm()
    return _answered(uid, form, lambda: outcomes.save(person(), uid, form.entry(), form.known.data or 0))


@bp.post("/withdraw")
def withdraw(uid: str) -> ResponseReturnValue:
    """Withdraw the outcome of a side. Its versions stay."""
    form = WithdrawalForm()
    side, known = form.laterality, form.known
    return _answered(
        uid, form, lambda: outcomes.withdraw(person(), uid, side.data, known.data or 0, form.said())
    )


def _answered(
    uid: str, form: OutcomeForm | WithdrawalForm, act: Callable[[], Outcome]
) -> ResponseReturnValue:
    cases.view(person(), uid)  # whose case it is comes before what was typed
    if not form.validate():
        return _again(uid, form, form.problems(), InvalidInput.status)
    try:
        outcome = act()
    except (Conflict, InvalidInput) as error:
        return _again(uid, form, _problems(error), InvalidInput.status)
    side = SIDES[outcome.laterality].lower()
    done = "withdrawn" if outcome.withdrawn else "saved"
    words = f"Outcome ({side}) {done}, version {outcome.version}."
    if not request.headers.get("HX-Request"):
        flash(words, "success")
        return redirect(url_for("cases.show", uid=uid), 303)
    return part("cases/outcomes.html", cases.view(person(), uid), outcome_said=words)


def _again(
    uid: str, form: OutcomeForm | WithdrawalForm, problems: dict[str, str], status: int
) -> ResponseReturnValue:
    """What was typed, and what is wrong with it."""
    name = "cases/outcomes.html" if request.headers.get("HX-Request") else "cases/case.html"
    return part(name, cases.view(person(), uid), typed=form, outcome_problems=problems), status


def _problems(error: AppError) -> dict[str, str]:
    return (error.problems if isinstance(error, InvalidInput) else {}) or {"": error.message}
