"""Admins look after people; somebody always can."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support import PASSWORD
from webapp.errors import Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, User
from webapp.services import accounts, people, sessions
from webapp.services.people import LastAdmin, PeopleFilters


@pytest.fixture
def admin(app: Flask):
    with app.app_context():
        yield accounts.find("admin@north.example")


@pytest.fixture
def tutor(admin: User) -> User:
    return accounts.find("tutor@north.example")


def second_admin() -> User:
    return accounts.create(accounts.NewUser("b@north.example", "B", PASSWORD, "North", ("admin",)))


def last_act() -> tuple[str, dict[str, object]]:
    entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    return entry.action, entry.detail


def test_everybody_of_every_group_is_listed_by_name(admin: User) -> None:
    names = [user.name for user in people.everybody(admin)]
    assert len(names) == 6
    assert names == sorted(names, key=str.lower)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (PeopleFilters("TUTOR@"), 2),
        (PeopleFilters("%"), 0),
        (PeopleFilters(role="admin"), 1),
        (PeopleFilters("south", "radiologist"), 1),
        (PeopleFilters(state="locked"), 0),
        (PeopleFilters(state="active"), 6),
    ],
)
def test_filters_narrow_the_list(admin: User, filters: PeopleFilters, count: int) -> None:
    assert len(people.everybody(admin, filters)) == count


def test_roles_and_group_are_changed_and_both_recorded(admin: User, tutor: User) -> None:
    people.change(admin, tutor.id, " West ", ("tutor", "radiologist"))
    assert (tutor.group.name, accounts.role_names(tutor)) == ("West", ("radiologist", "tutor"))
    kept = db.session.execute(sa.select(AuditEntry.action, AuditEntry.detail)).all()
    assert ("roles_changed", {"before": ["tutor"], "after": ["radiologist", "tutor"]}) in kept
    assert ("group_changed", {"before": "North", "after": "West"}) in kept


def test_what_is_not_changed_is_not_recorded(admin: User, tutor: User) -> None:
    before = db.session.scalar(sa.select(sa.func.count(AuditEntry.id)))
    people.change(admin, tutor.id, "North", ("tutor",))
    assert db.session.scalar(sa.select(sa.func.count(AuditEntry.id))) == before


def test_every_problem_is_told_at_once(admin: User, tutor: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        people.change(admin, tutor.id, "", ())
    assert set(refused.value.problems) == {"group", "roles"}


def test_locking_ends_the_sessions_at_once_and_unlocking_lets_in_again(
    admin: User, tutor: User, app: Flask
) -> None:
    visitor = app.test_client()
    visitor.sign_in(tutor.email)
    people.lock(admin, tutor.id)
    assert last_act() == ("locked", {"sessions": 1})
    assert sessions.of(tutor) == []
    assert visitor.get("/account").status_code == 302
    assert app.test_client().sign_in(tutor.email).status_code == 200
    people.unlock(admin, tutor.id)
    assert visitor.get("/account").status_code == 302
    assert app.test_client().sign_in(tutor.email).status_code == 302


def test_the_last_active_admin_is_neither_locked_nor_demoted(admin: User) -> None:
    other = second_admin()
    people.lock(admin, other.id)
    with pytest.raises(LastAdmin):
        people.lock(admin, admin.id)
    with pytest.raises(LastAdmin):
        people.change(admin, admin.id, "North", ("tutor",))
    db.session.expire_all()
    assert admin.active
    assert accounts.role_names(admin) == ("admin",)


def test_with_another_admin_one_may_go(admin: User) -> None:
    other = second_admin()
    people.change(other, admin.id, "North", ("tutor",))
    assert accounts.role_names(admin) == ("tutor",)


def test_two_admins_who_demote_each_other_leave_one(admin: User, app: Flask) -> None:
    ids = admin.id, second_admin().id

    def demote(by: int, whom: int) -> bool:
        with app.app_context():
            try:
                people.change(db.session.get(User, by), whom, "North", ("tutor",))
            except (LastAdmin, Forbidden):
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, ids, ids[::-1]))
    db.session.expire_all()
    assert sum("admin" in accounts.role_names(db.session.get(User, id_)) for id_ in ids) >= 1
    assert any(done)


@pytest.mark.parametrize("who", ["radiologist", "tutor"])
def test_only_admins_look_after_people(admin: User, who: str) -> None:
    other = accounts.find(f"{who}@north.example")
    for act in (
        lambda: people.everybody(other),
        lambda: people.one(other, admin.id),
        lambda: people.change(other, other.id, "North", ("admin",)),
        lambda: people.lock(other, admin.id),
        lambda: people.unlock(other, admin.id),
    ):
        with pytest.raises(Forbidden):
            act()


def test_nobody_is_not_found(admin: User) -> None:
    with pytest.raises(NotFound):
        people.lock(admin, 4711)
