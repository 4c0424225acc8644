"""The second step of signing in, and signing in with a passkey alone. Nobody is signed in here yet."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import InvalidInput
from webapp.extensions import limiter
from webapp.models import User
from webapp.services import ceremonies, factors, passkeys, second_step
from webapp.services.ceremonies import StepOver
from webapp.services.passkeys import PasskeyRefused, Place
from webapp.signin import PER_ADDRESS, STEP, complete

bp = Blueprint("second_step", __name__, url_prefix="/login")
braked = limiter.limit(PER_ADDRESS, deduct_when=lambda answer: answer.status_code >= 400)
"""Only failures count, as at the password."""


def place() -> Place:
    """Where this request reached the pages."""
    return Place(request.host.rpartition(":")[0] or request.host, request.host_url.rstrip("/"))


@bp.get("/second")
def show() -> ResponseReturnValue:
    """Ask for the second factor."""
    return _page({})


@bp.post("/second/code")
@braked
def take_code() -> ResponseReturnValue:
    """Sign in with a code of the app or a recovery code; the page again where it is wrong."""
    try:
        user = second_step.by_code(session.get(STEP), request.form.get("code", ""))
    except InvalidInput as error:
        return _page(error.problems, error.status)
    return _done(user, "code")


@bp.post("/second/passkey")
@braked
def take_passkey() -> ResponseReturnValue:
    """Sign in with a passkey after the password; the page again where it is refused."""
    try:
        user = second_step.by_passkey(session.get(STEP), place(), request.form.get("credential", ""))
    except PasskeyRefused as error:
        return _page({"passkey": error.message}, error.status)
    return _done(user, "passkey")


@bp.post("/passkey")
@limiter.limit("60 per minute")
def begin_passkey() -> str:
    """Ask for a passkey in place of the password."""
    session[STEP] = ceremonies.begin("key", None)
    return _passkey_page()


@bp.post("/passkey/answer")
@braked
def sign_in_by_passkey() -> ResponseReturnValue:
    """Sign in with a passkey alone; the page again where it is refused."""
    try:
        user = second_step.by_passkey_alone(session.get(STEP), place(), request.form.get("credential", ""))
    except PasskeyRefused as error:
        return _passkey_page(error.message), error.status
    return _done(user, "passkey")


@bp.errorhandler(StepOver)
def begin_again(error: StepOver) -> ResponseReturnValue:
    """To the start of signing in."""
    session.pop(STEP, None)
    flash("That took too long, or was done already. Sign in again.", "error")
    return redirect(url_for("security.login"), 303)


def _done(user: User, how: str) -> ResponseReturnValue:
    return redirect(complete(user, [how]), 303)


def _page(problems: dict[str, str], status: int = 200) -> ResponseReturnValue:
    step = ceremonies.find("sign_in", session.get(STEP))
    user = second_step.person_of(step)
    mine = factors.of(user)
    options = passkeys.request_options(step, user, place()) if mine.passkeys else None
    page = render_template(
        "second_step/second.html", mine=mine, options=options, email=user.email, problems=problems
    )
    return page, status


def _passkey_page(problem: str = "") -> str:
    step = ceremonies.find("key", session.get(STEP))
    options = passkeys.request_options(step, None, place())
    return render_template("second_step/passkey.html", options=options, problem=problem)
