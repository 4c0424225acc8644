"""Sign-in: generic errors, a brake on guessing, fresh sessions that end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from tests.support import PASSWORD, Visitor
from webapp import create_app
from webapp.extensions import db
from webapp.models import UserSession, now
from webapp.services import accounts

WHO = "radiologist@north.example"


def test_passwords_are_kept_as_argon2id(app: Flask) -> None:
    with app.app_context():
        assert accounts.find(WHO).password.startswith("$argon2id$")


def test_an_unknown_account_and_a_wrong_password_get_the_same_answer(client: Visitor) -> None:
    unknown = client.sign_in("nobody@north.example", "wrong password here").text
    wrong = client.sign_in(WHO, "wrong password here").text
    assert "Authentication failed" in unknown
    signed = re.compile(r"[\w-]{20,}\.[\w-]+\.[\w-]+")  # form tokens, which carry the time
    assert signed.sub("", unknown.replace("nobody@north.example", WHO)) == signed.sub("", wrong)


def test_an_unknown_account_costs_a_password_hash_too(
    client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    monkeypatch.setattr("flask_security.forms.hash_password", hashed.append)
    client.sign_in("nobody@north.example", "wrong password here")
    assert hashed == ["wrong password here"]


def test_the_address_is_found_whatever_its_capitals(client: Visitor) -> None:
    assert client.sign_in("Radiologist@North.Example").status_code == 302


def test_a_disabled_account_stays_out(app: Flask, client: Visitor) -> None:
    with app.app_context():
        accounts.find(WHO).active = False
        db.session.commit()
    assert client.sign_in(WHO).status_code == 200
    assert client.get("/account").status_code == 302


def test_guessing_at_one_account_is_braked(client: Visitor) -> None:
    answers = [client.sign_in(WHO, f"guess number {n}").status_code for n in range(7)]
    assert answers[:5] == [200] * 5
    assert answers[5:] == [429] * 2
    assert client.sign_in("colleague@north.example").status_code == 302


def test_guessing_from_one_address_is_braked_whatever_the_account(client: Visitor) -> None:
    token = client.token("/login")
    guess = {"password": "wrong password here", "csrf_token": token}
    answers = [client.post("/login", data={**guess, "email": f"u{n}@north.example"}) for n in range(22)]
    assert {a.status_code for a in answers[:20]} == {200}
    assert answers[21].status_code == 429
    assert "Too many attempts" in answers[21].text


def test_signing_in_for_real_is_never_braked(app: Flask) -> None:
    assert {app.test_client().sign_in(WHO).status_code for _ in range(8)} == {302}


def test_the_form_token_from_before_sign_in_is_worth_nothing_after_it(client: Visitor) -> None:
    planted = client.token("/login")
    client.sign_in(WHO)
    assert client.post("/account/theme", data={"theme": "light", "csrf_token": planted}).status_code == 400
    assert client.submit("/account/theme", {"theme": "light"}).status_code == 302


def test_whatever_was_in_the_session_before_sign_in_is_gone(client: Visitor) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    client.sign_in(WHO)
    with client.session_transaction() as session:
        assert "planted" not in session


def test_a_session_ends_after_its_hours_even_if_the_cookie_lives(
    app: Flask, login: Callable[..., Visitor]
) -> None:
    visitor = login()
    with app.app_context():
        long_ago = now() - timedelta(hours=12, seconds=1)
        db.session.execute(sa.update(UserSession).values(created_at=long_ago, seen_at=now()))
        db.session.commit()
    assert visitor.get("/account").status_code == 302


def test_the_cookie_ends_with_the_session_and_is_hidden_from_scripts(client: Visitor) -> None:
    cookie = client.sign_in(WHO).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_for_https_only(tmp_path: Path) -> None:
    visitor = create_app(settings(tmp_path, https=True)).test_client()
    (cookie,) = visitor.get("/login", base_url="https://localhost").headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-secondread=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_remember_me_is_not_to_be_had(client: Visitor) -> None:
    form = {"email": WHO, "password": PASSWORD, "remember": "y"}
    cookies = client.submit("/login", form, page="/login").headers.getlist("Set-Cookie")
    assert cookies
    assert not [cookie for cookie in cookies if cookie.startswith("remember_token")]


def test_signing_out_needs_a_form_token_and_ends_the_session(login: Callable[..., Visitor]) -> None:
    visitor = login()
    assert visitor.post("/logout").status_code == 400
    assert visitor.submit("/logout", {}).location == "/login"
    assert visitor.get("/account").status_code == 302


def test_an_answer_that_changes_nothing_of_the_session_sends_no_cookie(
    login: Callable[..., Visitor],
) -> None:
    """One that comes late would put the cookie of before back over that of a sign-in since begun."""
    visitor = login("radiologist")
    visitor.get("/account")  # its form token is new in the session
    for path in ("/account", "/", "/news?image="):
        assert "Set-Cookie" not in visitor.get(path).headers


@pytest.mark.parametrize("path", ["/register", "/reset", "/confirm", "/tf-setup", "/us-signin"])
def test_there_is_no_way_to_make_an_account_oneself(login: Callable[..., Visitor], path: str) -> None:
    assert login().get(path).status_code == 404


def test_a_new_password_ends_every_other_session(app: Flask, login: Callable[..., Visitor]) -> None:
    here, elsewhere = login(), login()
    new = "another good password"
    form = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    assert here.submit("/account/password", form, page="/account/password").location == "/account"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert app.test_client().sign_in(WHO, PASSWORD).status_code == 200
    assert app.test_client().sign_in(WHO, new).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", "another good password", "another good password"),
        (PASSWORD, "too short", "too short"),
        (PASSWORD, "another good password", "another bad password"),
    ],
)
def test_a_password_change_that_does_not_pass_changes_nothing(
    app: Flask, login: Callable[..., Visitor], old: str, new: str, again: str
) -> None:
    form = {"password": old, "new_password": new, "new_password_confirm": again}
    assert login().submit("/account/password", form, page="/account/password").status_code == 200
    assert app.test_client().sign_in(WHO, PASSWORD).status_code == 302
