"""Accounts are made, people invited, and images compared from the command line."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.phone import set_up
from tests.support import PASSWORD
from tests.webapp.rows import add_exam, add_image
from webapp.extensions import db
from webapp.models import AuditEntry
from webapp.services import accounts

NEW = ["create-user", "new@west.example", "--name", "New", "--group", "West", "--password", PASSWORD]


def test_create_user_makes_an_account_that_can_sign_in(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=[*NEW, "--role", "tutor", "--role", "radiologist"])
    assert result.exit_code == 0, result.output
    assert "may now sign in as tutor, radiologist of West" in result.output
    assert app.test_client().sign_in("new@west.example").status_code == 302
    with app.app_context():
        made = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).first()
        known = str(accounts.find("new@west.example").id)
    assert (made.action, made.actor_id, made.object_uid) == ("account_made", None, known)
    assert sorted(made.detail["roles"]) == ["radiologist", "tutor"]


def test_create_user_names_every_problem_and_fails(app: Flask) -> None:
    command = [
        "create-user",
        "nobody",
        "--name",
        " ",
        "--group",
        "West",
        "--password",
        "x",
        "--role",
        "admin",
    ]
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    for field in ("email", "name", "password"):
        assert f"  {field}: " in result.output


def test_create_user_knows_the_roles(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=[*NEW, "--role", "surgeon"]).exit_code == 2


INVITE = [
    "invite",
    "new@west.example",
    "--group",
    "West",
    "--role",
    "admin",
    "--site",
    "https://reads.example/",
]


def test_invite_prints_a_link_that_lets_the_person_in(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=INVITE)
    assert result.exit_code == 0, result.output
    link = result.stdout.strip()
    assert link.startswith("https://reads.example/invitation/")
    assert "new@west.example" in result.stderr
    page, guest = link.removeprefix("https://reads.example"), app.test_client()
    assert guest.submit(page, {"name": "New", "password": PASSWORD}, page=page).status_code == 303
    assert guest.get("/people").status_code == 200


def test_invite_names_every_problem_and_fails(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=[*INVITE[:3], " ", *INVITE[4:]])
    assert result.exit_code == 1
    assert "  group: " in result.output


def test_the_operator_takes_lost_second_factors_away(app: Flask) -> None:
    who = "admin@north.example"
    here = app.test_client()
    here.sign_in(who)
    set_up(here)
    assert app.test_client().sign_in(who).location == "/login/second"
    result = app.test_cli_runner().invoke(args=["reset-second-factors", who])
    assert result.exit_code == 0, result.output
    assert here.get("/account").status_code == 302
    assert app.test_client().sign_in(who).location == "/"
    assert app.test_cli_runner().invoke(args=["reset-second-factors", "nobody@north.example"]).exit_code == 1


def test_images_of_before_are_compared_on_request(app: Flask) -> None:
    with app.app_context():
        add_image(add_exam(accounts.find("radiologist@north.example")))  # its file is not there
        db.session.commit()
    result = app.test_cli_runner().invoke(args=["index-copies"])
    assert result.exit_code == 0, result.output
    assert "0 images compared." in result.output
    assert "1 passed over" in result.output
