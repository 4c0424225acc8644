"""The own account: name, time zone, theme, density, sessions. The password is Flask-Security's page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user, logout_user

from webapp.error_pages import wants_json
from webapp.errors import InvalidInput
from webapp.models import User
from webapp.routes.back import page_left
from webapp.services import accounts, factors, sessions
from webapp.signin import TOKEN, current_session, person

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
def show() -> str:
    """The account page."""
    return _page(_wanted(current_user), {})


@bp.post("")
def save() -> ResponseReturnValue:
    """Keep name, time zone, theme and density; the page again, with what was typed, where one is wrong."""
    form = request.form
    wanted = accounts.Preferences(
        form.get("name", ""), form.get("timezone", ""), form.get("theme", ""), form.get("density", "")
    )
    try:
        accounts.save_preferences(current_user, wanted)
    except InvalidInput as error:
        return _page(wanted, error.problems), error.status
    flash("Saved.", "success")
    return redirect(url_for("account.show"))


@bp.get("/security")
def security() -> str:
    """How the person signs in, and where from: password, second factor, sessions."""
    mine, open_ones = factors.of(person()), sessions.of(person())
    return render_template(
        "account/security.html", sessions=open_ones, here=current_session().uid, factors=mine
    )


@bp.post("/sessions/<uid>/end")
def end_session(uid: str) -> ResponseReturnValue:
    """End one of the own sessions; where it is this one, that is signing out."""
    here = uid == current_session().uid
    ended = sessions.end(person(), uid)
    if here:
        logout_user()
        return redirect(url_for("security.login"), 303)
    flash(f"{ended.browser[0].upper()}{ended.browser[1:]} is signed out.", "success")
    return redirect(url_for("account.security"), 303)


@bp.post("/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """End every own session but this one."""
    count = sessions.end_others(person(), session.get(TOKEN))
    flash(f"{count} other session{'' if count == 1 else 's'} ended.", "success")
    return redirect(url_for("account.security"), 303)


@bp.post("/theme")
def theme() -> ResponseReturnValue:
    """Keep the theme alone (the switch in the header). 204 for scripts, else back to the page left."""
    accounts.save_theme(current_user, request.form.get("theme", ""))
    if request.headers.get("HX-Request") or wants_json():
        return "", 204
    return redirect(page_left())


def _wanted(user: User) -> accounts.Preferences:
    return accounts.Preferences(user.name, user.timezone, user.theme, user.density)


def _page(wanted: accounts.Preferences, problems: dict[str, str]) -> str:
    return render_template(
        "account/account.html", wanted=wanted, problems=problems, timezones=accounts.timezones()
    )
