"""Accounts: who there is, in which group and role, and how they like their pages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from uuid import uuid4
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password
from sqlalchemy import func, select

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import ROLES, Group, Role, User
from webapp.services import audit, passwords

THEMES = ("dark", "light")
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to make. `password` is in plain text, as `passwords.problem` wants it."""

    email: str
    name: str
    password: str
    group: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a person likes the pages. `timezone` is an IANA name, e.g. Europe/Berlin."""

    name: str
    timezone: str
    theme: str
    density: str


def create(new: NewUser, *, recorded: bool = False) -> User:
    """Make an account, its group where there is none of that name.

    `recorded`: with an entry in the audit log, as where the operator makes one for a person; the made-up
    people of the demo need none. Raises InvalidInput, with every problem at once.
    """
    problems = problems_of(new.email, new.group, new.roles)
    problems |= problems_of_person(new.name, new.password, new.email, new.group)
    if problems:
        raise InvalidInput("The account was not made.", problems)
    user = add(new)
    if recorded:
        db.session.flush()
        audit.record("account_made", None, "user", str(user.id), roles=list(role_names(user)))
    db.session.commit()
    return user


def add(new: NewUser) -> User:
    """The account, from values that were checked. The caller commits."""
    user = User(
        email=plain_email(new.email),
        name=new.name.strip(),
        password=hashed(new.password),
        fs_uniquifier=uuid4().hex,
        group=group(new.group.strip()),
        roles=[role(name) for name in dict.fromkeys(new.roles)],
    )
    db.session.add(user)
    return user


def hashed(password: str) -> str:
    """The argon2id hash of a password in the form that sign-in compares (Unicode NFKD): an "ü" is the same
    on every keyboard."""
    kept: str = hash_password(unicodedata.normalize("NFKD", password))
    return kept


def find(email: str) -> User | None:
    """The account of an address, whatever its capitals."""
    return db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def group(name: str) -> Group:
    """The group of that name, new where there is none. The caller commits."""
    return db.session.scalar(select(Group).where(Group.name == name)) or Group(name=name)


def group_names() -> Sequence[str]:
    """The groups there are, by name."""
    return db.session.scalars(select(Group.name).order_by(Group.name)).all()


def role_names(user: User) -> tuple[str, ...]:
    """The person's roles, in the order of `ROLES`."""
    mine = {role.name for role in user.roles}
    return tuple(name for name in ROLES if name in mine)


def role(name: str) -> Role:
    """The role of that name, new where there is none. The caller commits."""
    known = db.session.scalar(select(Role).where(Role.name == name))
    if known is None:
        known = Role(name=name)
        db.session.add(known)
    return known


@cache
def timezones() -> tuple[str, ...]:
    """The IANA names of the time zones that this machine knows, sorted. Read once: it walks their files."""
    return tuple(sorted(available_timezones()))


def save_preferences(user: User, wanted: Preferences) -> None:
    """Keep how `user` likes the pages. Raises InvalidInput, with every problem at once."""
    problems = {
        "name": "" if 0 < len(wanted.name.strip()) <= 120 else "Give a name of 1 to 120 characters.",
        "timezone": "" if wanted.timezone in timezones() else "There is no such time zone.",
        "theme": "" if wanted.theme in THEMES else "Choose dark or light.",
        "density": "" if wanted.density in DENSITIES else "Choose comfortable or compact.",
    }
    if found := {field: words for field, words in problems.items() if words}:
        raise InvalidInput("Your settings were not saved.", found)
    _set(user, replace(wanted, name=wanted.name.strip()))


def save_theme(user: User, theme: str) -> None:
    """Keep the theme alone. Raises InvalidInput where it is neither dark nor light."""
    if theme not in THEMES:
        raise InvalidInput("Choose dark or light.", {"theme": "Choose dark or light."})
    _set(user, Preferences(user.name, user.timezone, theme, user.density))


def _set(user: User, wanted: Preferences) -> None:
    changed = [name for name, value in asdict(wanted).items() if getattr(user, name) != value]
    for name in changed:
        setattr(user, name, getattr(wanted, name))
    if changed:
        audit.record("settings_changed", user, "user", str(user.id), changed=changed)
    db.session.commit()


def problems_of(email: str, group: str, roles: Iterable[str]) -> dict[str, str]:
    """What is wrong with who a new account is for: field -> words."""
    problems = problems_of_place(group, roles)
    if not (plain := plain_email(email)):
        problems["email"] = "That is not an e-mail address."
    elif find(plain):
        problems["email"] = "There is an account with this address."
    return problems


def problems_of_place(group: str, roles: Iterable[str]) -> dict[str, str]:
    """What is wrong with a group and roles: field -> words."""
    problems = {}
    if not 0 < len(group.strip()) <= 120:
        problems["group"] = "Give a group of 1 to 120 characters."
    if not (wanted := set(roles)) or wanted - set(ROLES):
        problems["roles"] = f"Give one or more of: {', '.join(ROLES)}."
    return problems


def problems_of_person(name: str, password: str, *about: str) -> dict[str, str]:
    """What is wrong with what a person sets: field -> words. `about` is what else is known of the person."""
    problems = {}
    if words := passwords.problem(password, (name, *about)):
        problems["password"] = words
    if not 0 < len(name.strip()) <= 120:
        problems["name"] = "Give a name of 1 to 120 characters."
    return problems


def plain_email(email: str) -> str:
    """The address in its normal form, or "" where it is none. No name server is asked."""
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return ""
