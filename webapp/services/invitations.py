"""Invitations: an admin makes a link, the person behind it sets name and password and is in.

A link works once and for INVITATION_HOURS. Only its hash is kept: it is shown when it is made, and a lost
one is made anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import joinedload

from webapp import config
from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Group, Invitation, User, now
from webapp.permissions import require_admin
from webapp.services import accounts, audit, sessions
from webapp.services.accounts import NewUser

_TOKEN_BYTES = 32


class LinkOver(NotFound):
    """There is no such link, or it was used, withdrawn or is too old: the same answer for all of them."""

    code, title = "link_over", "This link does not work"
    default = "It works once, and only for some days. Ask the administrator who gave it to you for a new one."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is invited: address, name of the group (made where there is none of that name), roles."""

    email: str
    group: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An invitation and the token of its link, which is not to be had again."""

    invitation: Invitation
    token: str


def invite(admin: User | None, wanted: Wanted) -> Link:
    """Make a link to a new account. An earlier one for the same address stops working.

    `admin` is None for the operator at the command line.

    Raises:
        Forbidden: not an admin.
        InvalidInput: every problem at once.
    """
    require_admin(admin)
    problems = accounts.problems_of(wanted.email, wanted.group, wanted.roles)
    if problems:
        raise InvalidInput("Nobody was invited.", problems)
    email = accounts.plain_email(wanted.email)
    _close(Invitation.email == email)
    group = accounts.group(wanted.group.strip())
    link = _new(admin, email, group, tuple(dict.fromkeys(wanted.roles)))
    audit.record("invited", admin, "invitation", link.invitation.uid, roles=list(link.invitation.roles))
    db.session.commit()
    return link


def offer_new_password(admin: User, user_id: int) -> Link:
    """Make a link with which a person who forgot the password sets a new one. Nothing changes until then.

    Raises Forbidden where not an admin, NotFound where there is no such person.
    """
    require_admin(admin)
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such person.")
    _close(Invitation.user_id == user.id)
    link = _new(admin, user.email, user.group, accounts.role_names(user), user)
    audit.record("invited", admin, "user", str(user.id), new_password=True)
    db.session.commit()
    return link


def find(token: str) -> Invitation:
    """The open invitation behind a link. Raises LinkOver for every other."""
    wanted = select(Invitation).where(Invitation.token_hash == _hash(token), _is_open())
    invitation = db.session.scalar(wanted)
    if invitation is None or _overtaken(invitation):
        raise LinkOver()
    return invitation


def accept(token: str, name: str, password: str) -> User:
    """Make the account, or give the known one its new password; returns the person.

    Raises:
        LinkOver: the link does not work, or somebody was quicker with it.
        InvalidInput: name or password won't do, every problem at once; the link stays good.
    """
    invitation = find(token)
    known = invitation.user
    problems = accounts.problems_of_person(
        known.name if known else name, password, invitation.email, invitation.group.name
    )
    if problems:
        raise InvalidInput("This is not complete yet.", problems)
    _use(invitation)
    user = _with_new_password(known, password) if known else _joined(invitation, name, password)
    db.session.flush()
    audit.record("invitation_used", user, "invitation", invitation.uid)
    if known:
        audit.record("password_changed", user, "user", str(user.id))
    db.session.commit()
    return user


def withdraw(admin: User, uid: str) -> Invitation:
    """Make a link stop working. Raises Forbidden where not an admin, NotFound where it is not open."""
    require_admin(admin)
    invitation = db.session.scalar(select(Invitation).where(Invitation.uid == uid, _is_unused()))
    if invitation is None:
        raise NotFound("There is no such invitation, or it was used meanwhile.")
    invitation.withdrawn_at = now()
    audit.record("invitation_withdrawn", admin, "invitation", invitation.uid)
    db.session.commit()
    return invitation


def pending(admin: User) -> Sequence[Invitation]:
    """The links that nobody used yet, those too old too, the newest first. Raises Forbidden for others."""
    require_admin(admin)
    shown = select(Invitation).where(_is_unused()).order_by(Invitation.id.desc())
    together = (joinedload(Invitation.group), joinedload(Invitation.invited_by))
    return db.session.scalars(shown.options(*together)).all()


def _new(
    admin: User | None, email: str, group: Group, roles: tuple[str, ...], user: User | None = None
) -> Link:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    invitation = Invitation(token_hash=_hash(token), email=email, group=group, roles=list(roles), user=user)
    invitation.invited_by = admin
    invitation.expires_at = now() + timedelta(hours=config.current().invitation_hours)
    db.session.add(invitation)
    db.session.flush()
    return Link(invitation, token)


def _use(invitation: Invitation) -> None:
    """Close the link for all others: of two at the same moment, one finds it open."""
    claim = update(Invitation).where(Invitation.id == invitation.id, _is_open()).values(used_at=now())
    if len(db.session.scalars(claim.returning(Invitation.id)).all()) != 1:
        db.session.rollback()
        raise LinkOver()


def _joined(invitation: Invitation, name: str, password: str) -> User:
    new = NewUser(invitation.email, name, password, invitation.group.name, tuple(invitation.roles))
    return accounts.add(new)


def _with_new_password(user: User, password: str) -> User:
    user.password, user.fs_uniquifier = accounts.hashed(password), uuid4().hex
    sessions.forget_all(user)
    return user


def _overtaken(invitation: Invitation) -> bool:
    """An account was made meanwhile by other means, or the one that was meant is locked."""
    if invitation.user is None:
        return accounts.find(invitation.email) is not None
    return not invitation.user.active


def _close(which: ColumnElement[bool]) -> None:
    db.session.execute(update(Invitation).where(which, _is_unused()).values(withdrawn_at=now()))


def _is_unused() -> ColumnElement[bool]:
    return and_(Invitation.used_at.is_(None), Invitation.withdrawn_at.is_(None))


def _is_open() -> ColumnElement[bool]:
    return and_(_is_unused(), Invitation.expires_at > now())


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
