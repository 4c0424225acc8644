"""Accounts are made from the command line, and only there."""

from __future__ import annotations

from flask import Flask

from tests.support import PASSWORD

NEW = ["create-user", "new@west.example", "--name", "New", "--group", "West", "--password", PASSWORD]


def test_create_user_makes_an_account_that_can_sign_in(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=[*NEW, "--role", "tutor", "--role", "radiologist"])
    assert result.exit_code == 0, result.output
    assert "may now sign in as tutor, radiologist of West" in result.output
    assert app.test_client().sign_in("new@west.example").status_code == 302


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
