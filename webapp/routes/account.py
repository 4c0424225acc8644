"""The person's own account: name, time zone, theme, density. The password is Flask-Security's page."""

from __future__ import annotations

from urllib.parse import urlsplit
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from webapp.error_pages import wants_json
from webapp.errors import InvalidInput
from webapp.models import User
from webapp.services import accounts

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


@bp.post("/theme")
def theme() -> ResponseReturnValue:
    """Keep the theme alone (the switch in the header). 204 for scripts, else back to the page left."""
    accounts.save_theme(current_user, request.form.get("theme", ""))
    if request.headers.get("HX-Request") or wants_json():
        return "", 204
    return redirect(_page_left())


def _page_left() -> str:
    """The address that the request says it came from, where that is ours; else the account page."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host or came_from.path.startswith(("//", "/\\")):
        return url_for("account.show")
    return (came_from.path or "/") + (f"?{came_from.query}" if came_from.query else "")


def _wanted(user: User) -> accounts.Preferences:
    return accounts.Preferences(user.name, user.timezone, user.theme, user.density)


def _page(wanted: accounts.Preferences, problems: dict[str, str]) -> str:
    return render_template(
        "account/account.html", wanted=wanted, problems=problems, timezones=sorted(available_timezones())
    )
