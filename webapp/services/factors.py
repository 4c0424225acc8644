"""The second factors of a person: what is set, set up, taken away; what the person's roles ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from webapp import config
from webapp.errors import Conflict, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Passkey, User
from webapp.permissions import require_admin, roles_of
from webapp.services import audit, authenticator, ceremonies, passkeys, recovery_codes, sessions
from webapp.services.passkeys import Place


class LastFactor(Conflict):
    """The person's role asks for a second factor, and this is the only one."""

    code, title = "last_factor", "Your role asks for a second factor"
    default = "Nothing was removed: this is your only one. Set up another first."


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has set up. `codes_left`: recovery codes not used yet."""

    app: bool
    passkeys: Sequence[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor. Recovery codes alone are none."""
        return self.app or bool(self.passkeys)


def of(user: User) -> Factors:
    """The second factors of a person."""
    codes = len(user.mf_recovery_codes or [])
    return Factors(user.tf_totp_secret is not None, passkeys.of(user), codes)


def has_any(user: User) -> bool:
    """Whether signing in takes a second factor."""
    if user.tf_totp_secret is not None:
        return True
    return db.session.scalar(select(Passkey.id).where(Passkey.user_id == user.id).limit(1)) is not None


def are_required(user: User) -> bool:
    """Whether one of the person's roles asks for a second factor (SECOND_FACTOR_REQUIRED_ROLES)."""
    return not roles_of(user).isdisjoint(config.current().second_factor_required_roles)


def are_missing(user: User) -> bool:
    """Whether the person has to set up a second factor before anything else."""
    return are_required(user) and not has_any(user)


def set_up_app(user: User, token: str | None, code: str, session: str | None) -> tuple[str, ...]:
    """Take the authenticator app of the step `token` into use, once it showed a right code; every other
    session than that of the token `session` ends. Returns new recovery codes where the person had none.

    Raises StepOver; InvalidInput where the code is wrong.
    """
    step = ceremonies.find("app", token, user)
    user.tf_last_counter = None  # of an earlier app
    if step.secret is None or not authenticator.is_right(user, step.secret, code):
        db.session.rollback()
        wrong = "That is not the code that the app should show now. Is the clock of the phone right?"
        raise InvalidInput("Nothing was changed.", {"code": wrong})
    user.tf_totp_secret, user.tf_failures = step.secret, 0
    ceremonies.finish(step)
    return _taken_into_use(user, session, how="app")


def set_up_passkey(
    user: User, token: str | None, place: Place, answer: str, name: str, session: str | None
) -> tuple[str, ...]:
    """Take the passkey that the browser made for the step `token` into use, as `set_up_app` does.

    Raises StepOver; PasskeyRefused; InvalidInput where the name won't do.
    """
    step = ceremonies.find("passkey", token, user)
    if problem := passkeys.problem_of_name(user, name):
        raise InvalidInput("Nothing was changed.", {"name": problem})
    asked = ceremonies.take_challenge(step)
    key = passkeys.made(user, place, asked, answer, name)
    ceremonies.finish(step)
    db.session.flush()
    return _taken_into_use(user, session, how="passkey", passkey=key.uid)


def remove_app(user: User) -> None:
    """Take the authenticator app out of use. Raises LastFactor, NotFound where there is none."""
    if user.tf_totp_secret is None:
        raise NotFound("No authenticator app is set up.")
    _require_another(user, len(passkeys.of(user)))
    user.tf_totp_secret = user.tf_last_counter = None
    _taken_away(user, how="app")


def rename_passkey(user: User, uid: str, name: str) -> None:
    """Call one of the person's own passkeys otherwise.

    Raises NotFound where it is none of theirs; InvalidInput where the name won't do.
    """
    key = _own(user, uid)
    if problem := passkeys.problem_of_name(user, name, key):
        raise InvalidInput("Nothing was changed.", {"name": problem})
    if key.name != name.strip():
        key.name = name.strip()
        audit.record("passkey_renamed", user, "user", str(user.id), passkey=key.uid)
        db.session.commit()


def remove_passkey(user: User, uid: str) -> Passkey:
    """Remove one of the person's own passkeys. Raises LastFactor, NotFound where it is none of theirs."""
    key = _own(user, uid)
    _require_another(user, len(passkeys.of(user)) - 1 + (user.tf_totp_secret is not None))
    db.session.delete(key)
    db.session.flush()
    _taken_away(user, how="passkey", passkey=key.uid)
    return key


def renew_codes(user: User) -> tuple[str, ...]:
    """New recovery codes in place of the earlier ones. Raises NotFound where there is no second factor."""
    if not has_any(user):
        raise NotFound("Recovery codes stand in for a second factor. Set one up first.")
    codes = recovery_codes.renew(user)
    audit.record("recovery_codes_made", user, "user", str(user.id), count=len(codes))
    db.session.commit()
    return codes


def reset(admin: User | None, user: User) -> None:
    """Take away every second factor of a person who lost them, and end every session.

    `admin` is None for the operator at the command line. Raises Forbidden where not an admin.
    """
    require_admin(admin)
    had = of(user)
    _forget_codes(user)
    user.tf_totp_secret = user.tf_last_counter = None
    db.session.execute(delete(Passkey).where(Passkey.user_id == user.id))
    ended = sessions.forget_all(user)
    what = {"app": had.app, "passkeys": len(had.passkeys), "sessions": ended}
    audit.record("second_factor_reset", admin, "user", str(user.id), **what)
    db.session.commit()


def _own(user: User, uid: str) -> Passkey:
    key = next((key for key in passkeys.of(user) if key.uid == uid), None)
    if key is None:
        raise NotFound("You have no such passkey.")
    return key


def _taken_into_use(user: User, session: str | None, **how: str) -> tuple[str, ...]:
    """Record and commit; sessions that were opened without the second factor end."""
    audit.record("second_factor_set", user, "user", str(user.id), **how)
    codes: tuple[str, ...] = ()
    if not user.mf_recovery_codes:
        codes = recovery_codes.renew(user)
        audit.record("recovery_codes_made", user, "user", str(user.id), count=len(codes))
    sessions.end_others(user, session)
    return codes


def _taken_away(user: User, **how: str) -> None:
    if not has_any(user):
        _forget_codes(user)
    audit.record("second_factor_removed", user, "user", str(user.id), **how)
    db.session.commit()


def _forget_codes(user: User) -> None:
    user.mf_recovery_codes, user.tf_failures, user.tf_failed_at = None, 0, None


def _require_another(user: User, left: int) -> None:
    if not left and are_required(user):
        raise LastFactor()
