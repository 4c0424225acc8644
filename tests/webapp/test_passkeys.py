"""Passkeys over HTTP, with a key written from the standard. In a real browser: tests/browser."""

from __future__ import annotations

import html
import json
import re

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.phone import Key, codes_of, set_up
from tests.support import Visitor
from webapp.extensions import db
from webapp.services import accounts, ceremonies, passkeys
from webapp.services.passkeys import PasskeyRefused, Place

WHO = "radiologist@north.example"
OVERVIEW = "/account/second-factor"
NEW = f"{OVERVIEW}/passkey"
SECOND = "/login/second"
HERE = Place("localhost", "http://localhost")


def signed_in(app: Flask, who: str = WHO) -> Visitor:
    visitor = app.test_client()
    assert visitor.sign_in(who).location == "/"
    return visitor


def asked(page: str) -> str:
    """What a page asks of the authenticator."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def add(visitor: Visitor, key: Key, name: str = "Blue key"):
    answer = key.make(asked(visitor.get(NEW).text))
    return post(visitor, NEW, {"name": name, "credential": answer})


def post(visitor: Visitor, where: str, form: dict[str, str]):
    """Send a form of a page that is open already: loading it again would ask anew."""
    page = "/account" if where.startswith("/account") else "/login"
    return visitor.post(where, data={**form, "csrf_token": visitor.token(page)})


@pytest.fixture(params=[True, False], ids=["asks for a PIN", "asks for none"])
def key(request: pytest.FixtureRequest) -> Key:
    return Key(verifies=request.param)


def at_second_step(app: Flask) -> tuple[Visitor, str]:
    visitor = app.test_client()
    assert visitor.sign_in(WHO).location == SECOND
    return visitor, asked(visitor.get(SECOND).text)


def test_a_passkey_is_named_listed_and_signs_in_after_the_password(app: Flask, key: Key) -> None:
    here = signed_in(app)
    assert len(codes_of(add(here, key).text)) == 10
    assert "Blue key" in here.get(OVERVIEW).text
    visitor, options = at_second_step(app)
    assert post(visitor, f"{SECOND}/passkey", {"credential": key.sign(options)}).location == "/"
    assert "last used" in visitor.get(OVERVIEW).text


def test_a_passkey_alone_signs_in_where_it_asked_who_holds_it(app: Flask, key: Key) -> None:
    add(signed_in(app), key)
    visitor = app.test_client()
    options = asked(visitor.submit("/login/passkey", {}, page="/login").text)
    assert json.loads(options)["userVerification"] == "required"
    answer = post(visitor, "/login/passkey/answer", {"credential": key.sign(options)})
    assert (answer.status_code, visitor.get("/account").status_code) == (
        (303, 200) if key.verifies else (422, 302)
    )


def test_an_answer_is_heard_once(app: Flask) -> None:
    key = Key()
    add(signed_in(app), key)
    visitor, options = at_second_step(app)
    answer = {"credential": key.sign(options)}
    before = app.test_client()
    before.set_cookie("secondread", visitor.get_cookie("secondread").value)
    assert post(visitor, f"{SECOND}/passkey", answer).location == "/"
    assert post(before, f"{SECOND}/passkey", answer).location == "/login"
    assert before.get("/account").status_code == 302


def test_a_refused_answer_uses_its_question_up(app: Flask) -> None:
    key, other = Key(), Key()
    add(signed_in(app), key)
    visitor, options = at_second_step(app)
    assert post(visitor, f"{SECOND}/passkey", {"credential": other.sign(options)}).status_code == 422
    assert post(visitor, f"{SECOND}/passkey", {"credential": key.sign(options)}).status_code == 422
    fresh = asked(visitor.get(SECOND).text)
    assert post(visitor, f"{SECOND}/passkey", {"credential": key.sign(fresh)}).location == "/"


def test_the_key_of_somebody_else_is_refused(app: Flask) -> None:
    mine, theirs = Key(), Key()
    add(signed_in(app), mine)
    add(signed_in(app, "colleague@north.example"), theirs)
    visitor, options = at_second_step(app)
    assert post(visitor, f"{SECOND}/passkey", {"credential": theirs.sign(options)}).status_code == 422
    assert visitor.get("/account").status_code == 302


def test_an_answer_given_to_another_site_is_refused(app: Flask) -> None:
    key = Key()
    add(signed_in(app), key)
    visitor, options = at_second_step(app)
    key.origin = "http://localhost.evil.example"
    assert post(visitor, f"{SECOND}/passkey", {"credential": key.sign(options)}).status_code == 422


def test_a_key_whose_counter_went_back_is_a_copy_and_refused(app: Flask) -> None:
    key = Key(count=7)
    add(signed_in(app), key)
    key.count = 5
    visitor, options = at_second_step(app)
    assert post(visitor, f"{SECOND}/passkey", {"credential": key.sign(options)}).status_code == 422


def test_a_key_is_set_up_once_and_names_are_told_apart(app: Flask) -> None:
    here, key = signed_in(app), Key()
    add(here, key)
    assert "set up already" in add(here, key, "Again").text
    assert "a passkey of that name" in add(here, Key(), "Blue key").text
    assert "1 to 64 characters" in add(here, Key(), " ").text
    assert add(here, Key(), "Red key").location == OVERVIEW


def test_a_passkey_is_renamed_but_not_as_another_one(app: Flask) -> None:
    here = signed_in(app)
    add(here, Key(), "Blue key")
    add(here, Key(), "Red key")
    with app.app_context():
        blue = passkeys.of(accounts.find(WHO))[0].uid
    rename = f"{OVERVIEW}/passkeys/{blue}/rename"
    refused = post(here, rename, {"name": "Red key"})
    assert refused.status_code == 422
    assert "You have a passkey of that name." in refused.text
    assert post(here, rename, {"name": " At the clinic "}).status_code == 303
    page = here.get(OVERVIEW).text
    assert "<strong>At the clinic</strong>" in page
    assert "Blue key" not in page


def test_a_removed_passkey_signs_nobody_in(app: Flask) -> None:
    here, key = signed_in(app), Key()
    set_up(here)
    add(here, key)
    (remove,) = re.findall(rf'action="({OVERVIEW}/passkeys/\w+/remove)"', here.get(OVERVIEW).text)
    assert here.submit(remove, {}, page=OVERVIEW).location == OVERVIEW
    assert "The passkey Blue key is removed." in here.get(OVERVIEW).text
    assert "Blue key" not in here.get(OVERVIEW).text
    visitor = app.test_client()
    visitor.sign_in(WHO)
    assert "data-options" not in visitor.get(SECOND).text


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_as_an_answer_is_refused_by_name(app: Flask, data: st.DataObject) -> None:
    with app.test_request_context():
        user = accounts.find(WHO)
        step = ceremonies.find("passkey", ceremonies.begin("passkey", user))
        sent = data.draw(_damaged(Key().make(passkeys.creation_options(step, user, HERE))))
        question = ceremonies.take_challenge(step)
        with pytest.raises(PasskeyRefused):
            passkeys.made(user, HERE, question, sent, "Key")
        with pytest.raises(PasskeyRefused):
            passkeys.owner(HERE, question, sent, None)
        db.session.rollback()


def _damaged(answer: str) -> st.SearchStrategy[str]:
    """Anything at all; JSON of any shape; a good answer with one part cut, doubled or replaced."""
    values = st.none() | st.booleans() | st.integers() | st.text(max_size=40)
    anything = st.recursive(
        values, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)
    )
    parts = st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "attestationObject"])
    return st.text() | anything.map(json.dumps) | st.builds(_replace, st.just(answer), parts, anything)


def _replace(answer: str, part: str, value: object) -> str:
    whole = json.loads(answer)
    where = whole if part in whole else whole["response"]
    where[part] = value if value is not None or part == "response" else where[part][:-9]
    return json.dumps(whole)
