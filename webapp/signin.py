"""Sign-in: Flask-Security with our form, a fresh session each time, and a brake on guessing."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

from flask import Flask, Response, request, session
from flask_login import user_logged_in
from flask_security import LoginForm, Security, current_user

from webapp.extensions import limiter, users
from webapp.models import User

PER_ADDRESS = "20 per minute; 200 per hour"
PER_ACCOUNT = "5 per minute; 50 per hour"


class SignInForm(LoginForm):
    """Without "remember me": on a shared workstation a session ends after SESSION_HOURS, always."""

    remember = None


def init_app(app: Flask) -> None:
    """Add sign-in, sign-out and change of password to `app`."""
    Security(app, users, login_form=SignInForm)
    user_logged_in.connect(_begin_session, app)
    per_address = limiter.limit(PER_ADDRESS, methods=["POST"], deduct_when=_failed)
    per_account = limiter.limit(PER_ACCOUNT, key_func=_account, methods=["POST"], deduct_when=_failed)
    views: dict[str, Any] = app.view_functions
    views["security.login"] = per_address(per_account(views["security.login"]))


def person() -> User:
    """Whoever is signed in: behind the gate (`webapp.gate`) there is always somebody."""
    return cast(User, current_user._get_current_object())


def _begin_session(sender: Flask, **_: Any) -> None:
    """Forget what the session held before sign-in: whoever planted it must not know its form token."""
    for name in [name for name in session if not name.startswith("_")]:
        session.pop(name)
    session.permanent = True


def _account() -> str:
    """The account tried, as a digest: limits are kept in a store that should hold no addresses."""
    return "account:" + sha256(request.form.get("email", "").strip().lower().encode()).hexdigest()


def _failed(response: Response) -> bool:
    """Only failures count: a whole hospital may sign in from one address."""
    return response.status_code != 302
