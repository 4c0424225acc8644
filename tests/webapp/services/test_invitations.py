"""A link works once, for its hours, for one address; whoever else has it learns nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support import PASSWORD
from webapp.errors import Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, Invitation, User, now
from webapp.services import accounts, invitations, sessions
from webapp.services.invitations import Link, LinkOver, Wanted

NEW = Wanted("New@north.example", "North", ("radiologist", "tutor"))


@pytest.fixture
def admin(app: Flask):
    with app.app_context():
        yield accounts.find("admin@north.example")


def acts() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def too_old(link: Link) -> None:
    link.invitation.expires_at = now() - timedelta(seconds=1)
    db.session.commit()


def test_the_invited_person_gets_group_and_roles_and_can_sign_in(admin: User, app: Flask) -> None:
    link = invitations.invite(admin, NEW)
    user = invitations.accept(link.token, " Nia New ", PASSWORD)
    assert (user.email, user.name, user.group.name) == ("New@north.example", "Nia New", "North")
    assert accounts.role_names(user) == ("radiologist", "tutor")
    assert {"invited", "invitation_used"} <= set(acts())
    assert app.test_client().sign_in("new@north.example").status_code == 302


def test_only_a_hash_of_the_token_is_kept(admin: User) -> None:
    link = invitations.invite(admin, NEW)
    kept = [getattr(link.invitation, column.name) for column in Invitation.__table__.columns]
    assert link.token not in str(kept)
    assert len(link.token) >= 43  # 32 bytes


def test_a_link_works_once(admin: User) -> None:
    link = invitations.invite(admin, NEW)
    invitations.accept(link.token, "Nia", PASSWORD)
    with pytest.raises(LinkOver):
        invitations.accept(link.token, "Somebody else", "a password of mine")


def test_of_two_at_the_same_moment_one_gets_in(admin: User, app: Flask) -> None:
    link = invitations.invite(admin, NEW)

    def accept(n: int) -> bool:
        with app.app_context():
            try:
                invitations.accept(link.token, f"Nia {n}", PASSWORD)
            except LinkOver:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(accept, range(4))) == 1


@pytest.mark.parametrize("how", ["unknown", "used", "withdrawn", "too old", "overtaken", "replaced"])
def test_every_link_that_does_not_work_gets_the_same_answer(admin: User, how: str) -> None:
    link = invitations.invite(admin, NEW)
    token = link.token
    match how:
        case "unknown":
            token = "x" + token[1:]
        case "used":
            invitations.accept(token, "Nia", PASSWORD)
        case "withdrawn":
            invitations.withdraw(admin, link.invitation.uid)
        case "too old":
            too_old(link)
        case "overtaken":
            accounts.create(accounts.NewUser(NEW.email, "Nia", PASSWORD, "North", ("tutor",)))
        case "replaced":
            invitations.invite(admin, NEW)
    for ask in (lambda: invitations.find(token), lambda: invitations.accept(token, "N", PASSWORD)):
        with pytest.raises(LinkOver) as refused:
            ask()
        assert refused.value.message == LinkOver.default


def test_what_is_wrong_is_told_at_once_and_the_link_stays_good(admin: User) -> None:
    link = invitations.invite(admin, NEW)
    with pytest.raises(InvalidInput) as refused:
        invitations.accept(link.token, " ", "short")
    assert set(refused.value.problems) == {"name", "password"}
    assert invitations.accept(link.token, "Nia", PASSWORD).name == "Nia"


def test_an_invitation_needs_an_address_of_nobody_a_group_and_roles(admin: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        invitations.invite(admin, Wanted("tutor@north.example", " ", ("surgeon",)))
    assert set(refused.value.problems) == {"email", "group", "roles"}
    assert invitations.pending(admin) == []


def test_a_link_to_a_new_password_ends_every_session_and_keeps_the_rest(admin: User, app: Flask) -> None:
    user = accounts.find("tutor@north.example")
    sessions.begin(user, "", None)
    link = invitations.offer_new_password(admin, user.id)
    assert sessions.of(user)
    same = invitations.accept(link.token, "Another name", "a password of my own")
    assert (same.id, same.name) == (user.id, "Tutor")
    assert sessions.of(user) == []
    assert "password_changed" in acts()
    assert app.test_client().sign_in("tutor@north.example", PASSWORD).status_code == 200
    assert app.test_client().sign_in("tutor@north.example", "a password of my own").status_code == 302


def test_a_locked_person_gets_no_new_password(admin: User) -> None:
    user = accounts.find("tutor@north.example")
    link = invitations.offer_new_password(admin, user.id)
    user.active = False
    db.session.commit()
    with pytest.raises(LinkOver):
        invitations.find(link.token)


@pytest.mark.parametrize("who", ["radiologist", "tutor"])
def test_only_admins_invite_see_and_withdraw(admin: User, who: str) -> None:
    link, other = invitations.invite(admin, NEW), accounts.find(f"{who}@north.example")
    for act in (
        lambda: invitations.invite(other, NEW),
        lambda: invitations.pending(other),
        lambda: invitations.withdraw(other, link.invitation.uid),
        lambda: invitations.offer_new_password(other, admin.id),
    ):
        with pytest.raises(Forbidden):
            act()
    assert invitations.find(link.token).withdrawn_at is None


def test_a_used_link_is_not_to_be_withdrawn(admin: User) -> None:
    link = invitations.invite(admin, NEW)
    invitations.accept(link.token, "Nia", PASSWORD)
    with pytest.raises(NotFound):
        invitations.withdraw(admin, link.invitation.uid)


def test_a_password_of_any_alphabet_signs_in(admin: User, app: Flask) -> None:
    link = invitations.invite(admin, NEW)
    invitations.accept(link.token, "Jürgen", "größenwahn übt größe")
    assert app.test_client().sign_in("new@north.example", "größenwahn übt größe").status_code == 302
