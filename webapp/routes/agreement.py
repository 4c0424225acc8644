"""How far network, readers and outcomes agree."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from webapp.forms.agreement import AgreementForm
from webapp.presentation import signed_in_zone
from webapp.services import agreement, agreement_rows
from webapp.signin import person

bp = Blueprint("agreement", __name__, url_prefix="/agreement")


@bp.get("")
def index() -> str:
    """The figures of what the filters in the address choose."""
    user = person()
    form = AgreementForm(request.args).offering(*agreement_rows.choices(user))
    form.validate()
    report = agreement.report(user, form.scope(signed_in_zone()))
    return render_template("agreement/index.html", form=form, report=report, filtered=bool(request.args))
