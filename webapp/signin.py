"""Sign-in: Flask-Security with our form, a second step for who has a second factor, a fresh session each
time, and a brake on guessing."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, cast

from flask import Flask, Response, g, redirect, request, session, url_for
from flask_login import user_logged_in, user_logged_out
from flask_security import (
    ChangePasswordForm,
    LoginForm,
    PasswordUtil,
    Security,
    UserMixin,
    current_user,
    login_user,
    password_changed,
)
from flask_security.tf_plugin import TfPlugin
from werkzeug.wrappers import Response as AnyResponse

from webapp.extensions import limiter, users
from webapp.models import User, UserSession
from webapp.services import audit, ceremonies, factors, passwords, sessions

TOKEN = "session_token"  # noqa: S105  a name  # nosec B105
"""Under this name the cookie carries the token of `webapp.services.sessions`."""
PER_ADDRESS = "20 per minute; 200 per hour"
PER_ACCOUNT = "5 per minute; 50 per hour"
STEP = "second_step"
"""Under this name the cookie carries the token of `webapp.services.ceremonies`."""
BACK = "second_step_back"
"""Under this name it carries the page to come back to."""
FRESH = 10 * 60
"""Seconds since the password was given for which second factors may be changed."""
_GUESSABLE = ("security.verify", "security.change_password")


class SecondStep(TfPlugin):
    """What Flask-Security asks after the password: a second step, where the person has a second factor."""

    def tf_enter(
        self, user: UserMixin, remember_me: bool | None, primary_authn_via: str, next_loc: str | None
    ) -> AnyResponse | None:
        """The way to the second step; None where the password is enough.

        `next_loc` was checked to be of this site; it is the sign-in page itself where none was asked for.
        """
        who = cast(User, user)
        if not factors.has_any(who):
            return None
        session[STEP] = ceremonies.begin("sign_in", who)
        session[BACK] = None if next_loc == request.url else next_loc
        return redirect(url_for("second_step.show"))


class SignInForm(LoginForm):
    """Without "remember me": on a shared workstation a session ends after SESSION_HOURS, always."""

    remember = None

    def validate(self, **more: Any) -> bool:
        """As Flask-Security has it; a failure is kept in the audit log."""
        good = bool(super().validate(**more))
        if not good:
            sessions.sign_in_failed(cast(User | None, self.user))
        return good


class NewPasswordForm(ChangePasswordForm):
    """A new password and its entry in the audit log are one transaction: what waits here is written by the
    first commit, which is that of the renewed session."""

    def validate(self, **more: Any) -> bool:
        """As Flask-Security has it."""
        good = bool(super().validate(**more))
        if good:
            audit.record("password_changed", person(), "user", str(person().id))
        return good


class OwnRule(PasswordUtil):
    """The change of password asks what an invitation asks: `webapp.services.passwords`."""

    def validate(self, password: str, is_register: bool, **known: Any) -> tuple[list[str] | None, str]:
        """What is wrong with a new password (None: nothing), and the password in its normal form."""
        user = known.get("user")
        about = (user.name, user.email, user.group.name) if isinstance(user, User) else ()
        words = passwords.problem(password, about)
        return [words] if words else None, self.normalize(password)


def init_app(app: Flask) -> None:
    """Add sign-in, sign-out and change of password to `app`."""
    more: dict[str, Any] = {"login_form": SignInForm, "change_password_form": NewPasswordForm}
    Security(app, users, password_util_cls=OwnRule, **more)
    app.extensions["security"].two_factor_plugins = SecondStep()
    _ask_the_registry(app)
    user_logged_in.connect(_begin_session, app)
    user_logged_out.connect(_end_session, app)
    password_changed.connect(_end_other_sessions, app)
    per_address = limiter.limit(PER_ADDRESS, methods=["POST"], deduct_when=_failed)
    per_account = limiter.limit(PER_ACCOUNT, key_func=_account, methods=["POST"], deduct_when=_failed)
    views: dict[str, Any] = app.view_functions
    views["security.login"] = per_address(per_account(views["security.login"]))
    per_person = limiter.limit(PER_ACCOUNT, key_func=_myself, methods=["POST"], deduct_when=_failed)
    for name in _GUESSABLE:
        views[name] = per_person(views[name])


def person() -> User:
    """Whoever is signed in: behind the gate (`webapp.gate`) there is always somebody."""
    return cast(User, current_user._get_current_object())


def current_session() -> UserSession:
    """The row of the session at work: behind the gate there is always one."""
    return cast(UserSession, g.user_session)


def is_fresh() -> bool:
    """Whether the password was given just now. Flask-Security keeps the instant as "fs_paa"."""
    return abs(time.time() - float(session.get("fs_paa", 0))) < FRESH


def complete(user: User, how: list[str]) -> str:
    """Sign `user` in after the second step; returns the address of this site to go on to."""
    back = session.get(BACK) or "/"
    login_user(user, remember=False, authn_via=how)
    return str(back)


def renew_session(user: User) -> None:
    """A new session in place of the one at work, whose cookie is worth nothing from now on."""
    kept = {name: session[name] for name in session if name.startswith(("fs_", "identity."))}
    _open_session(user, sessions.renew)
    session.update(kept)


def _ask_the_registry(app: Flask) -> None:
    """A signed cookie names a person; only with a live session of theirs is it believed."""
    manager: Any = app.extensions["security"].login_manager
    by_cookie = manager._user_callback

    @manager.user_loader  # type: ignore[untyped-decorator, unused-ignore]
    def load(uniquifier: str) -> User | None:
        user: User | None = by_cookie(uniquifier)
        g.user_session = sessions.find(user, session.get(TOKEN)) if user else None
        return user if g.user_session else None


def _begin_session(sender: Flask, user: User, **_: Any) -> None:
    """Signed in; or a password was changed, which Flask-Security follows with the same signal for the new
    session. That is no sign-in, and has its own entry in the audit log."""
    changed = request.endpoint == "security.change_password"
    _open_session(user, sessions.renew if changed else sessions.begin)


def _open_session(user: User, opening: Callable[[User, str, str | None, str | None], str]) -> None:
    """A new token each time, and nothing of what the session held before: whoever planted it must know
    neither its token nor its form token."""
    earlier = session.get(TOKEN)
    for name in [name for name in session if not name.startswith("_")]:
        session.pop(name)
    session[TOKEN] = opening(user, request.user_agent.string, request.remote_addr, earlier)
    session.permanent = True


def _end_session(sender: Flask, user: User, **_: Any) -> None:
    """Signed out here is signed out for every copy of the cookie."""
    sessions.end_by_token(user, session.pop(TOKEN, None))


def _end_other_sessions(sender: Flask, user: User, **_: Any) -> None:
    """Whoever changes the password may do so because somebody else knows it."""
    sessions.end_others(user, session.get(TOKEN))


def _myself() -> str:
    return f"person:{current_user.get_id()}"


def _account() -> str:
    """The account tried, as a digest: limits are kept in a store that should hold no addresses."""
    return "account:" + sha256(request.form.get("email", "").strip().lower().encode()).hexdigest()


def _failed(response: Response) -> bool:
    """Only failures count: a whole hospital may sign in from one address."""
    return response.status_code != 302
