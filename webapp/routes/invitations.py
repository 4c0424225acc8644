"""The other end of an invitation: whoever has the link sets name and password and is in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import login_user, logout_user

from webapp.errors import InvalidInput
from webapp.forms.people import AcceptForm
from webapp.models import Invitation
from webapp.services import invitations

bp = Blueprint("invitations", __name__, url_prefix="/invitation")


@bp.get("/<token>")
def show(token: str) -> str:
    """The form of name and password. Every link that does not work gets the same answer."""
    return _page(token, invitations.find(token), AcceptForm(formdata=None), {})


@bp.post("/<token>")
def accept(token: str) -> ResponseReturnValue:
    """Make the account, or set the new password, and sign in."""
    invitation, form = invitations.find(token), AcceptForm()
    try:
        user = invitations.accept(token, form.name.data or "", form.password.data or "")
    except InvalidInput as error:
        return _page(token, invitation, form, error.problems), error.status
    logout_user()  # whoever sat at this browser before
    if invitation.user_id is not None:  # a link is no second factor: that is asked for at sign-in
        flash("Your password is set. Sign in with it.", "success")
        return redirect(url_for("security.login"), 303)
    login_user(user, remember=False, authn_via=["invitation"])
    return redirect("/", 303)


def _page(token: str, invitation: Invitation, form: AcceptForm, problems: dict[str, str]) -> str:
    return render_template(
        "invitations/accept.html", token=token, invitation=invitation, form=form, problems=problems
    )
