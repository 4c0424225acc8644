"""The pages of people over HTTP, form tokens and all."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support import PASSWORD, Visitor

INVITED = {"email": "new@north.example", "group": "North", "roles": ["radiologist"]}


@pytest.fixture
def admin(login: Callable[..., Visitor]) -> Visitor:
    return login("admin")


def link_of(answer: TestResponse) -> str:
    found = re.search(r'id="link" value="http://localhost(/invitation/[^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1]


def invite(admin: Visitor, **more: object) -> str:
    return link_of(admin.submit("/people/invite", {**INVITED, **more}, page="/people/invite"))


def person_of(admin: Visitor, email: str) -> str:
    row = re.search(
        rf'href="(/people/\d+)"(?:(?!</tr>).)*{re.escape(email)}', admin.get("/people").text, re.S
    )
    assert row is not None
    return row[1]


def test_an_invited_person_sets_name_and_password_and_is_in(app: Flask, admin: Visitor) -> None:
    link = invite(admin)
    guest = app.test_client()
    assert "invited as radiologist in North" in html.unescape(guest.get(link).text)
    answer = guest.submit(link, {"name": "Nia New", "password": PASSWORD}, page=link)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Nia New" in guest.get("/account").text
    assert app.test_client().sign_in("new@north.example").status_code == 302
    assert app.test_client().get(link).status_code == 404


def test_the_link_is_shown_once_and_is_in_no_other_page(admin: Visitor) -> None:
    token = invite(admin).rpartition("/")[2]
    assert token not in admin.get("/people").text
    assert "new@north.example" in admin.get("/people").text


def test_a_withdrawn_link_and_one_that_never_was_get_the_same_page(app: Flask, admin: Visitor) -> None:
    link = invite(admin)
    (withdraw,) = re.findall(
        r'action="(/people/invitations/[0-9a-f]{32}/withdraw)"', admin.get("/people").text
    )
    assert admin.submit(withdraw, {}, page="/people").status_code == 303
    pages = [app.test_client().get(where) for where in (link, "/invitation/" + "x" * 43)]
    assert {page.status_code for page in pages} == {404}
    plain = [re.sub(r"<code>\w+</code>|[\w-]{20,}\.[\w-]+\.[\w-]+", "", page.text) for page in pages]
    assert plain[0] == plain[1]


def test_a_link_opened_where_somebody_else_is_signed_in_signs_that_one_out(
    app: Flask, admin: Visitor, login: Callable[..., Visitor]
) -> None:
    link, guest = invite(admin), login("tutor")
    guest.submit(link, {"name": "Nia", "password": PASSWORD}, page=link)
    assert "new@north.example" in guest.get("/account").text


def test_a_new_password_is_no_way_around_sign_in(app: Flask, admin: Visitor) -> None:
    page = person_of(admin, "tutor@north.example")
    link = link_of(admin.submit(f"{page}/new-password", {}, page=page))
    guest = app.test_client()
    answer = guest.submit(link, {"password": "a password of my own"}, page=link)
    assert answer.location == "/login"
    assert guest.get("/account").status_code == 302
    assert guest.sign_in("tutor@north.example", "a password of my own").status_code == 302


def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(admin: Visitor) -> None:
    bad = {"email": "nobody", "group": "<West>", "roles": []}
    answer = admin.submit("/people/invite", bad, page="/people/invite")
    assert answer.status_code == 422
    for words in ("not an e-mail address", "one or more of", 'value="&lt;West&gt;"', 'value="nobody"'):
        assert words in answer.text


def test_roles_are_changed_on_the_persons_page(admin: Visitor, login: Callable[..., Visitor]) -> None:
    page = person_of(admin, "tutor@north.example")
    form = {"group": "North", "roles": ["tutor", "radiologist"]}
    assert admin.submit(page, form, page=page).status_code == 303
    assert "radiologist, tutor" in admin.get("/people").text


def test_the_last_admin_is_told_why_nothing_was_changed(admin: Visitor) -> None:
    page = person_of(admin, "admin@north.example")
    answer = admin.submit(f"{page}/lock", {}, page=page)
    assert answer.status_code == 409
    assert "Make somebody else admin first" in answer.text
    assert admin.get("/people").status_code == 200


def test_empty_lists_say_what_appears_there(admin: Visitor) -> None:
    page = admin.get("/people?q=nobody-like-this").text
    assert "Nobody meets these filters" in page
    assert "stays here until it is used" in page


def test_a_filter_that_does_not_exist_narrows_nothing(admin: Visitor) -> None:
    assert admin.get("/people?role=surgeon").text.count("case-link") == 6


@pytest.mark.parametrize("email", ["tutor@north.example", "new@north.example"])
def test_an_address_is_told_known_or_not_to_admins_alone(
    email: str, login: Callable[..., Visitor], client: Visitor
) -> None:
    for visitor, status in ((login("radiologist"), 403), (login("tutor"), 403)):
        answer = visitor.submit("/people/invite", {**INVITED, "email": email})
        assert answer.status_code == status
    assert client.post("/people/invite", data={**INVITED, "email": email}).status_code == 401
