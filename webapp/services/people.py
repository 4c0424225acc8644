"""People, for admins: who there is, what they may do, and who is kept out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from webapp.errors import Conflict, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Role, User
from webapp.permissions import require_admin, roles_of
from webapp.services import accounts, audit, factors, sessions

STATES = ("active", "locked")


class LastAdmin(Conflict):
    """Without an admin who can sign in nobody could be invited, changed or unlocked any more."""

    code, title = "last_admin", "This is the last admin"
    default = (
        "Nothing was changed: somebody has to look after people and logs. Make somebody else admin first."
    )


@dataclass(frozen=True, slots=True)
class PeopleFilters:
    """What the list of people is narrowed to. `text` is part of a name or an address."""

    text: str = ""
    role: str = ""
    state: str = ""


def everybody(admin: User, filters: PeopleFilters | None = None) -> Sequence[User]:
    """The people who meet the filters, by name. Raises Forbidden where not an admin."""
    require_admin(admin)
    wanted = filters or PeopleFilters()
    found = select(User).options(joinedload(User.group), selectinload(User.roles))
    if wanted.text:
        found = found.where(
            or_(*(column.icontains(wanted.text, autoescape=True) for column in (User.name, User.email)))
        )
    if wanted.role:
        found = found.where(User.roles.any(Role.name == wanted.role))
    if wanted.state:
        found = found.where(User.active == (wanted.state == "active"))
    return db.session.scalars(found.order_by(func.lower(User.name), User.id)).all()


def one(admin: User, user_id: int) -> User:
    """The person. Raises Forbidden where not an admin, NotFound where there is none."""
    require_admin(admin)
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such person.")
    return user


def change(admin: User, user_id: int, group: str, roles: tuple[str, ...]) -> User:
    """Put a person into a group (made where there is none of that name) and give exactly these roles.

    Raises:
        Forbidden: not an admin. NotFound: no such person.
        InvalidInput: every problem at once.
        LastAdmin: the last active admin would be none any more.
    """
    user = one(admin, user_id)
    if problems := accounts.problems_of_place(group, roles):
        raise InvalidInput("Nothing was changed.", problems)
    _one_at_a_time()
    before, after = sorted(roles_of(user)), sorted(set(roles))
    if "admin" in before and "admin" not in after:
        _require_another_admin(user)
    if before != after:
        user.roles = [accounts.role(name) for name in after]
        audit.record("roles_changed", admin, "user", str(user.id), before=before, after=after)
    if user.group.name != group.strip():
        audit.record(
            "group_changed", admin, "user", str(user.id), before=user.group.name, after=group.strip()
        )
        user.group = accounts.group(group.strip())
    db.session.commit()
    return user


def lock(admin: User, user_id: int) -> User:
    """Keep a person out from now on, whose sessions end at once. Raises as `change` does."""
    user = one(admin, user_id)
    _one_at_a_time()
    if "admin" in roles_of(user):
        _require_another_admin(user)
    user.active = False
    audit.record("locked", admin, "user", str(user.id), sessions=sessions.forget_all(user))
    db.session.commit()
    return user


def reset_second_factors(admin: User, user_id: int) -> User:
    """Take away every second factor of a person who lost them; every session of theirs ends.

    Raises Forbidden where not an admin, NotFound where there is no such person.
    """
    user = one(admin, user_id)
    factors.reset(admin, user)
    return user


def unlock(admin: User, user_id: int) -> User:
    """Let a person sign in again. Raises Forbidden where not an admin, NotFound where there is none."""
    user = one(admin, user_id)
    user.active = True
    audit.record("unlocked", admin, "user", str(user.id))
    db.session.commit()
    return user


def _one_at_a_time() -> None:
    """Two admins who take the role from each other at the same moment wait for one another here."""
    db.session.execute(update(Role).where(Role.name == "admin").values(name=Role.name))


def _require_another_admin(user: User) -> None:
    others = select(func.count(User.id)).where(
        User.id != user.id, User.active, User.roles.any(Role.name == "admin")
    )
    if not db.session.scalar(others):
        db.session.rollback()
        raise LastAdmin()
