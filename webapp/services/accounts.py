"""Accounts: who there is, in which group and role, and how they like their pages."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password
from sqlalchemy import func, select

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import ROLES, Group, Role, User

MIN_PASSWORD = 12
THEMES = ("dark", "light")
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to make. `password` is in plain text and at least `MIN_PASSWORD` characters long."""

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


def create(new: NewUser) -> User:
    """Make an account, its group where there is none of that name.

    Raises InvalidInput, with every problem at once.
    """
    if problems := _problems(new):
        raise InvalidInput("The account was not made.", problems)
    user = User(
        email=_plain(new.email),
        name=new.name.strip(),
        password=hash_password(new.password),
        fs_uniquifier=uuid4().hex,
        group=group(new.group.strip()),
        roles=[role(name) for name in dict.fromkeys(new.roles)],
    )
    db.session.add(user)
    db.session.commit()
    return user


def find(email: str) -> User | None:
    """The account of an address, whatever its capitals."""
    return db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def group(name: str) -> Group:
    """The group of that name, new where there is none. The caller commits."""
    return db.session.scalar(select(Group).where(Group.name == name)) or Group(name=name)


def role(name: str) -> Role:
    """The role of that name, new where there is none. The caller commits."""
    known = db.session.scalar(select(Role).where(Role.name == name))
    if known is None:
        known = Role(name=name)
        db.session.add(known)
    return known


def save_preferences(user: User, wanted: Preferences) -> None:
    """Keep how `user` likes the pages. Raises InvalidInput, with every problem at once."""
    problems = {
        "name": "" if 0 < len(wanted.name.strip()) <= 120 else "Give a name of 1 to 120 characters.",
        "timezone": "" if wanted.timezone in available_timezones() else "There is no such time zone.",
        "theme": "" if wanted.theme in THEMES else "Choose dark or light.",
        "density": "" if wanted.density in DENSITIES else "Choose comfortable or compact.",
    }
    if found := {field: words for field, words in problems.items() if words}:
        raise InvalidInput("Your settings were not saved.", found)
    user.name, user.timezone = wanted.name.strip(), wanted.timezone
    user.theme, user.density = wanted.theme, wanted.density
    db.session.commit()


def save_theme(user: User, theme: str) -> None:
    """Keep the theme alone. Raises InvalidInput where it is neither dark nor light."""
    if theme not in THEMES:
        raise InvalidInput("Choose dark or light.", {"theme": "Choose dark or light."})
    user.theme = theme
    db.session.commit()


def _problems(new: NewUser) -> dict[str, str]:
    problems = {}
    if not (email := _plain(new.email)):
        problems["email"] = "That is not an e-mail address."
    elif find(email):
        problems["email"] = "There is an account with this address."
    if len(new.password) < MIN_PASSWORD:
        problems["password"] = f"The password needs at least {MIN_PASSWORD} characters."
    if not 0 < len(new.name.strip()) <= 120:
        problems["name"] = "Give a name of 1 to 120 characters."
    if not 0 < len(new.group.strip()) <= 120:
        problems["group"] = "Give a group of 1 to 120 characters."
    if not new.roles or set(new.roles) - set(ROLES):
        problems["roles"] = f"Give one or more of: {', '.join(ROLES)}."
    return problems


def _plain(email: str) -> str:
    """The address in its normal form, or "" where it is none. No name server is asked."""
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return ""
