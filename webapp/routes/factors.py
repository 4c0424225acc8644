"""The own second factors: set up, shown, removed. Each change needs the password given just now."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import InvalidInput
from webapp.routes.back import fresh
from webapp.routes.second_step import place
from webapp.services import authenticator, ceremonies, factors, passkeys
from webapp.services.ceremonies import StepOver
from webapp.signin import STEP, TOKEN, person, renew_session

bp = Blueprint("factors", __name__, url_prefix="/account/second-factor")


@bp.get("")
def index() -> str:
    """What is set up, and what can be."""
    return _overview({})


@bp.get("/app")
@fresh
def app() -> ResponseReturnValue:
    """Show the secret of an authenticator app to be, as a picture and as text."""
    return _app_page({})


@bp.get("/app/picture.svg")
@fresh
def app_picture() -> ResponseReturnValue:
    """The QR code of the set-up that is open in this browser."""
    step = ceremonies.find("app", session.get(STEP), person())
    return Response(authenticator.picture(step, person().email), mimetype="image/svg+xml")


@bp.post("/app")
@fresh
def finish_app() -> ResponseReturnValue:
    """Take the app into use with its first code; the page again where that is wrong."""
    token = session.get(STEP)
    try:
        codes = factors.set_up_app(person(), token, request.form.get("code", ""), session.get(TOKEN))
    except InvalidInput as error:
        return _app_page(error.problems, error.status)
    return _set_up("The authenticator app is set up.", codes)


@bp.get("/passkey")
@fresh
def passkey() -> ResponseReturnValue:
    """Ask the browser for a new passkey."""
    return _passkey_page({})


@bp.post("/passkey")
@fresh
def finish_passkey() -> ResponseReturnValue:
    """Take the passkey into use; the page again where it or its name won't do."""
    form, token = request.form, session.get(STEP)
    answer, name = form.get("credential", ""), form.get("name", "")
    try:
        codes = factors.set_up_passkey(person(), token, place(), answer, name, session.get(TOKEN))
    except InvalidInput as error:
        return _passkey_page(error.problems or {"name": error.message}, error.status)
    return _set_up(f"The passkey {name.strip()} is set up.", codes)


@bp.post("/app/remove")
@fresh
def remove_app() -> ResponseReturnValue:
    """Take the authenticator app out of use."""
    factors.remove_app(person())
    flash("The authenticator app is removed.", "success")
    return redirect(url_for("factors.index"), 303)


@bp.post("/passkeys/<uid>/remove")
@fresh
def remove_passkey(uid: str) -> ResponseReturnValue:
    """Remove a passkey."""
    key = factors.remove_passkey(person(), uid)
    flash(f"The passkey {key.name} is removed.", "success")
    return redirect(url_for("factors.index"), 303)


@bp.post("/passkeys/<uid>/rename")
@fresh
def rename_passkey(uid: str) -> ResponseReturnValue:
    """Give a passkey another name; the page again, with what was typed, where that won't do."""
    name = request.form.get("name", "")
    try:
        factors.rename_passkey(person(), uid, name)
    except InvalidInput as error:
        return _overview({"passkey": uid, "typed": name, **error.problems}), error.status
    flash(f"The passkey is called {name.strip()} now.", "success")
    return redirect(url_for("factors.index"), 303)


@bp.post("/codes")
@fresh
def renew_codes() -> ResponseReturnValue:
    """New recovery codes, shown this once."""
    return _codes_page("Your earlier recovery codes do not work any more.", factors.renew_codes(person()))


@bp.errorhandler(StepOver)
def begin_again(error: StepOver) -> ResponseReturnValue:
    """Back to the overview."""
    flash(f"{error.title}. {error.message}", "error")
    return redirect(url_for("factors.index"), 303)


def _overview(problems: dict[str, str]) -> str:
    return render_template(
        "factors/index.html",
        mine=factors.of(person()),
        required=factors.are_required(person()),
        missing=factors.are_missing(person()),
        problems=problems,
    )


def _app_page(problems: dict[str, str], status: int = 200) -> ResponseReturnValue:
    session[STEP], step = authenticator.begin(person(), session.get(STEP))
    key = authenticator.key_in_words(step)
    return render_template("factors/app.html", key=key, problems=problems), status


def _passkey_page(problems: dict[str, str], status: int = 200) -> ResponseReturnValue:
    session[STEP] = ceremonies.begin("passkey", person())
    step = ceremonies.find("passkey", session[STEP], person())
    options = passkeys.creation_options(step, person(), place())
    typed = request.form.get("name", "")
    page = render_template("factors/passkey.html", options=options, problems=problems, typed=typed)
    return page, status


def _set_up(words: str, codes: tuple[str, ...]) -> ResponseReturnValue:
    renew_session(person())
    if codes:
        return _codes_page(words, codes)
    flash(words, "success")
    return redirect(url_for("factors.index"), 303)


def _codes_page(words: str, codes: tuple[str, ...]) -> str:
    return render_template("factors/codes.html", words=words, codes=codes)
