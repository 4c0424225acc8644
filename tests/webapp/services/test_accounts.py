"""Accounts are made whole or not at all, and every problem is told in one go."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support import PASSWORD
from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import Group, Role, User
from webapp.services import accounts
from webapp.services.accounts import NewUser, Preferences

NEW = NewUser("new@north.example", "New Person", PASSWORD, "North", ("radiologist",))
LIKED = Preferences("Robin", "Europe/Berlin", "light", "compact")


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_new_account_joins_the_group_and_roles_of_that_name(app: Flask) -> None:
    with app.app_context():
        before = count(Group), count(Role)
        user = accounts.create(NEW)
        assert user.group.name == "North"
        assert [role.name for role in user.roles] == ["radiologist"]
        assert user.fs_uniquifier != user.password
        assert (count(Group), count(Role)) == before


def test_a_group_of_a_new_name_is_made(app: Flask) -> None:
    with app.app_context():
        assert accounts.create(replace(NEW, group="West ")).group.name == "West"


def test_every_problem_is_told_at_once_and_nothing_is_made(app: Flask) -> None:
    with app.app_context():
        before = count(User), count(Group)
        with pytest.raises(InvalidInput) as refused:
            accounts.create(NewUser("no address", "", "short", " ", ()))
        assert set(refused.value.problems) == {"email", "name", "password", "group", "roles"}
        assert (count(User), count(Group)) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "RADIOLOGIST@north.example"}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"password": "x" * 11}, "password"),
        ({"name": "x" * 121}, "name"),
        ({"roles": ("surgeon",)}, "roles"),
    ],
)
def test_each_problem_is_told_beside_its_field(app: Flask, change: dict[str, object], field: str) -> None:
    with app.app_context(), pytest.raises(InvalidInput) as refused:
        accounts.create(replace(NEW, **change))
    assert set(refused.value.problems) == {field}


def test_preferences_are_kept(app: Flask) -> None:
    with app.app_context():
        accounts.save_preferences(accounts.find("tutor@north.example"), LIKED)
        db.session.expire_all()
        user = accounts.find("tutor@north.example")
        assert Preferences(user.name, user.timezone, user.theme, user.density) == LIKED


@pytest.mark.parametrize("field", ["name", "timezone", "theme", "density"])
def test_a_preference_that_does_not_exist_is_refused_and_nothing_changes(app: Flask, field: str) -> None:
    with app.app_context():
        user = accounts.find("tutor@north.example")
        with pytest.raises(InvalidInput) as refused:
            accounts.save_preferences(user, replace(LIKED, **{field: ""}))
        assert set(refused.value.problems) == {field}
        assert user.timezone == "UTC"
