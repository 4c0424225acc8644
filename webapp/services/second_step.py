"""The second step of signing in: after the password a code or a passkey; or a passkey in place of both."""

from __future__ import annotations

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import Step, User
from webapp.services import audit, authenticator, ceremonies, passkeys, recovery_codes, sessions
from webapp.services.ceremonies import StepOver
from webapp.services.passkeys import PasskeyRefused, Place


class WrongCode(InvalidInput):
    """Neither a code of the app nor a recovery code."""

    code, title = "wrong_code", "That code is not right"
    default = "That code is not right. The app shows a new one every 30 seconds, and each is taken once."


def person_of(step: Step) -> User:
    """Who gave the right password. Raises StepOver where the account is gone or locked meanwhile."""
    user = db.session.get(User, step.user_id) if step.user_id else None
    if user is None or not user.active:
        raise StepOver()
    return user


def by_code(token: str | None, code: str) -> User:
    """Who signs in with a code of the app or a recovery code, each good once.

    Raises StepOver; PleaseWait after too many wrong ones; WrongCode, which is recorded; SecretUnreadable.
    """
    step = ceremonies.find("sign_in", token)
    user = person_of(step)
    if authenticator.looks_like_one(code):
        _check_app(user, code)
    else:
        _check_recovery(user, code)
    ceremonies.finish(step)
    db.session.commit()
    return user


def by_passkey(token: str | None, place: Place, answer: str) -> User:
    """Who signs in with a passkey after the password. Raises StepOver; PasskeyRefused, which is recorded."""
    step = ceremonies.find("sign_in", token)
    user = person_of(step)
    asked = ceremonies.take_challenge(step)
    try:
        passkeys.owner(place, asked, answer, user)
    except PasskeyRefused:
        authenticator.failed(user, "passkey")
        raise
    ceremonies.finish(step)
    db.session.commit()
    return user


def by_passkey_alone(token: str | None, place: Place, answer: str) -> User:
    """Who signs in with a passkey and no password. Raises StepOver; PasskeyRefused, which is recorded."""
    step = ceremonies.find("key", token)
    asked = ceremonies.take_challenge(step)
    try:
        user = passkeys.owner(place, asked, answer, None)
    except PasskeyRefused:
        sessions.sign_in_failed(None)
        raise
    ceremonies.finish(step)
    db.session.commit()
    return user


def _check_app(user: User, code: str) -> None:
    authenticator.hold(user)
    authenticator.require_patience(user)
    if user.tf_totp_secret is None or not authenticator.is_right(user, user.tf_totp_secret, code):
        authenticator.failed(user, "app")
        raise WrongCode(problems={"code": WrongCode.default})
    user.tf_failures = 0


def _check_recovery(user: User, code: str) -> None:
    authenticator.hold(user)
    if not recovery_codes.use(user, code):
        authenticator.failed(user, "recovery_code")
        raise WrongCode(problems={"code": WrongCode.default})
    left = len(user.mf_recovery_codes or [])
    audit.record("recovery_code_used", user, "user", str(user.id), left=left)
