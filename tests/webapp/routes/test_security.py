"""The page of one's own sessions, and what a cookie is worth once its session is over."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask

from tests.support import PASSWORD, Visitor

WHO = "radiologist@north.example"
NEW = "another good password"


def copy_of(visitor: Visitor, app: Flask) -> Visitor:
    """Another browser with the same cookie, as somebody who stole it has."""
    thief = app.test_client()
    thief.set_cookie("secondread", visitor.get_cookie("secondread").value)
    return thief


def signed_in(app: Flask) -> Visitor:
    visitor = app.test_client()
    assert visitor.sign_in(WHO).status_code == 302
    return visitor


def ends(page: str) -> list[str]:
    return re.findall(r'action="(/account/sessions/[0-9a-f]{32}/end)"', page)


def test_signing_out_makes_a_copy_of_the_cookie_worthless(app: Flask) -> None:
    visitor = signed_in(app)
    thief = copy_of(visitor, app)
    assert thief.get("/account").status_code == 200
    visitor.submit("/logout", {})
    assert thief.get("/account").status_code == 302
    assert thief.get("/login").status_code == 200


def test_signing_in_again_makes_the_cookie_from_before_worthless(app: Flask) -> None:
    visitor = signed_in(app)
    before = copy_of(visitor, app)
    visitor.submit("/logout", {})
    visitor.sign_in(WHO)
    assert visitor.get("/account").status_code == 200
    assert before.get("/account").status_code == 302


def test_a_planted_session_is_not_the_one_signed_in_with(app: Flask) -> None:
    victim, attacker = app.test_client(), app.test_client()
    attacker.get("/login")
    victim.set_cookie("secondread", attacker.get_cookie("secondread").value)
    victim.sign_in(WHO)
    assert victim.get("/account").status_code == 200
    assert attacker.get("/account").status_code == 302


def test_a_new_password_renews_this_session_and_ends_the_others(app: Flask) -> None:
    here, elsewhere = signed_in(app), signed_in(app)
    before = copy_of(here, app)
    form = {"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW}
    assert here.submit("/account/password", form, page="/account/password").status_code == 302
    page = here.get("/account/security")
    assert page.status_code == 200
    assert len(ends(page.text)) == 1
    assert elsewhere.get("/account").status_code == 302
    assert before.get("/account").status_code == 302


def test_the_page_says_when_from_where_and_which_browser(app: Flask) -> None:
    visitor = app.test_client()
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
    visitor.environ_base = {**visitor.environ_base, "HTTP_USER_AGENT": agent["User-Agent"]}
    visitor.sign_in(WHO)
    page = visitor.get("/account/security").text
    for words in ("Firefox on Linux", "this one", "127.0.0.1", "last seen"):
        assert words in page


def test_one_session_is_ended_from_another(app: Flask) -> None:
    here, elsewhere = signed_in(app), signed_in(app)
    mine = ends(elsewhere.get("/account/security").text)
    (other,) = [one for one in mine if one == ends(here.get("/account/security").text)[0]]
    here.submit(other, {}, page="/account/security")
    assert sorted([here.get("/account").status_code, elsewhere.get("/account").status_code]) == [200, 302]


def test_ending_the_session_at_work_is_signing_out(app: Flask) -> None:
    here = signed_in(app)
    (this,) = ends(here.get("/account/security").text)
    assert here.submit(this, {}, page="/account/security").location == "/login"
    assert here.get("/account").status_code == 302


def test_all_others_are_ended_at_once(app: Flask, login: Callable[..., Visitor]) -> None:
    here, *others = (signed_in(app) for _ in range(3))
    answer = here.submit("/account/sessions/end-others", {}, page="/account/security", follow_redirects=True)
    assert "2 other sessions ended." in answer.text
    assert {other.get("/account").status_code for other in others} == {302}


def test_a_locked_account_is_out_at_once(app: Flask) -> None:
    from webapp.extensions import db
    from webapp.services import accounts

    visitor = signed_in(app)
    with app.app_context():
        accounts.find(WHO).active = False
        db.session.commit()
    assert visitor.get("/account").status_code == 302
