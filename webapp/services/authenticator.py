"""The authenticator app: codes of six digits that change every 30 s (TOTP, RFC 6238), each good once.

The secret is in the database only encrypted, by Flask-Security's `Totp` (passlib's AppWallet: AES-256 with a
key by PBKDF2 from SECURITY_TOTP_SECRETS, see TOTP_KEY in docs/configuration.md). The first of these keys
encrypts, all of them decrypt: each secret names the one that it needs.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import lru_cache
from io import BytesIO

import qrcode
from flask import current_app
from flask_security import Totp
from passlib.totp import TOTP, AppWallet, TotpMatch
from qrcode.image.svg import SvgPathImage
from sqlalchemy import select, update

from webapp.errors import TooMany, Unavailable
from webapp.extensions import db
from webapp.models import Step, User, now
from webapp.services import audit, ceremonies

ISSUER = "SecondRead"
WINDOW = 30
"""Seconds by which the clock of the phone may be wrong, either way (RFC 6238, section 5.2: one period)."""
FREE_TRIES = 5
"""Wrong codes in a row before the next one has to wait: a minute, then twice as long each time."""
LONGEST_WAIT = timedelta(hours=1)


class PleaseWait(TooMany):
    """Too many wrong codes in a row, wherever they came from."""

    code, title = "please_wait", "Too many wrong codes"


class SecretUnreadable(Unavailable):
    """The secret was encrypted with another key."""

    code, title = "secret_unreadable", "The second factor can't be checked"
    default = (
        "The key of the server has changed since it was set up. Use a passkey or a recovery code, or ask an "
        "administrator to reset your second factors."
    )


class _EachCodeOnce(Totp):
    """Flask-Security's codes, with its hook against taking the same one twice."""

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__(keys, ISSUER)
        # Left to itself passlib encrypts with the key whose name is last in the alphabet.
        self._totp = TOTP.using(issuer=ISSUER, wallet=AppWallet(keys, default_tag=next(iter(keys))))

    def with_newest_key(self, secret: str) -> str | None:
        """`secret` encrypted with the newest key; None where it is. ValueError, KeyError: no key opens it."""
        opened = self._totp.from_source(secret)
        return opened.to_json(encrypt=True) if opened.changed else None

    def get_last_counter(self, user: User) -> int | None:  # type: ignore[override]
        return user.tf_last_counter

    def set_last_counter(self, user: User, tmatch: TotpMatch) -> None:  # type: ignore[override]
        user.tf_last_counter = tmatch.counter


def begin(user: User, token: str | None) -> tuple[str, Step]:
    """The set-up that `token` stands for where it is still open, so that a page may be loaded again; else a
    new one with a new secret. Returns its token and itself."""
    try:
        return token or "", ceremonies.find("app", token, user)
    except ceremonies.StepOver:
        new = ceremonies.begin("app", user, secret=_codes().generate_totp_secret())
        return new, ceremonies.find("app", new, user)


def key_in_words(step: Step) -> str:
    """The secret of a set-up for typing, in groups of four (base32)."""
    words: str = _codes().get_totp_pretty_key(step.secret or "")
    return words


def picture(step: Step, email: str) -> bytes:
    """The QR code of a set-up as SVG: black on nothing, to be shown on white."""
    image = qrcode.make(_codes().get_totp_uri(email, step.secret or ""), image_factory=SvgPathImage, border=4)
    file = BytesIO()
    image.save(file)
    return file.getvalue()


def looks_like_one(code: str) -> bool:
    """Whether `code` has the shape of an app's code: six digits, with or without spaces."""
    return re.fullmatch("[0-9]{6}", "".join(code.split())) is not None


def is_right(user: User, secret: str, code: str) -> bool:
    """Whether `code` is the one of now and was not used before; it is then. The caller holds the row of
    `user` (see `hold`) and commits. Raises SecretUnreadable."""
    if not looks_like_one(code):
        return False
    try:
        right: bool = _codes().verify_totp("".join(code.split()), secret, user, window=WINDOW)
    except (ValueError, KeyError) as error:
        db.session.rollback()
        raise SecretUnreadable() from error
    return right


def hold(user: User) -> None:
    """Hold the row of `user` until the commit, so that answers come one after the other."""
    db.session.execute(update(User).where(User.id == user.id).values(tf_failures=User.tf_failures))
    db.session.refresh(user)


def require_patience(user: User) -> None:
    """Raise PleaseWait where too many codes were wrong. The caller holds the row of `user`."""
    over = user.tf_failures - FREE_TRIES
    if over < 0 or user.tf_failed_at is None:
        return
    wait = min(timedelta(minutes=2 ** min(over, 10)), LONGEST_WAIT) - (now() - user.tf_failed_at)
    if wait > timedelta(0):
        db.session.rollback()
        minutes = -(-int(wait.total_seconds()) // 60)
        raise PleaseWait(
            f"Codes are taken again in {minutes} minute{'' if minutes == 1 else 's'}. "
            "A passkey or a recovery code works meanwhile."
        )


def failed(user: User, how: str) -> None:
    """Count and record a wrong answer of `user`, and commit. `how`: "app", "recovery_code" or "passkey"."""
    if how == "app":
        user.tf_failures, user.tf_failed_at = user.tf_failures + 1, now()
    audit.record("second_factor_failed", user, "user", str(user.id), how=how)
    db.session.commit()


def encrypt_anew() -> tuple[int, int]:
    """Encrypt every secret with the newest key, so that the others can be given up; commits.

    Returns how many were changed, and how many no key opens: these people need a reset.
    """
    changed = lost = 0
    people = select(User.id, User.tf_totp_secret).where(User.tf_totp_secret.is_not(None))
    for user_id, secret in db.session.execute(people).all():
        try:
            new = _codes().with_newest_key(str(secret))
        except (ValueError, KeyError):
            lost += 1
            continue
        if new is not None:  # but where the person has set up another app meanwhile
            same = update(User).where(User.id == user_id, User.tf_totp_secret == secret)
            changed += len(db.session.scalars(same.values(tf_totp_secret=new).returning(User.id)).all())
    audit.record("totp_key_changed", None, "user", None, count=changed)
    db.session.commit()
    return changed, lost


def _codes() -> _EachCodeOnce:
    return _made(json.dumps(current_app.config["SECURITY_TOTP_SECRETS"]))


@lru_cache(maxsize=8)
def _made(keys: str) -> _EachCodeOnce:
    return _EachCodeOnce(json.loads(keys))
