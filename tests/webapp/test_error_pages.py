"""Errors look the same everywhere: our page for people, JSON for programs, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support import Visitor
from webapp import errors

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AppError)
]


@pytest.fixture
def failing(app: Flask) -> Callable[[Exception], None]:
    """Makes the account page raise what it is given."""

    def fail_with(error: Exception) -> None:
        def view() -> str:
            raise error

        app.view_functions["account.show"] = view

    return fail_with


@pytest.mark.parametrize("kind", KINDS)
def test_each_named_error_has_its_status_title_and_words(
    login: Callable[..., Visitor], failing: Callable[[Exception], None], kind: type[errors.AppError]
) -> None:
    visitor = login()
    failing(kind())
    page, data = visitor.get("/account"), visitor.get("/account", headers={"Accept": "application/json"})
    assert page.status_code == data.status_code == kind.status
    assert f"<h1>{kind.title}</h1>" in page.text
    assert data.json["code"] == kind.code
    assert data.json["message"] == kind.default
    assert data.json["request_id"] == data.headers["X-Request-ID"]


def test_the_unexpected_is_a_500_that_tells_nothing_but_a_number_to_quote(
    login: Callable[..., Visitor], failing: Callable[[Exception], None]
) -> None:
    visitor = login()
    failing(RuntimeError("patient 4711"))
    answer = visitor.get("/account")
    assert answer.status_code == 500
    assert "4711" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_broken_database_still_gives_a_page(app: Flask, login: Callable[..., Visitor]) -> None:
    visitor = login()
    with app.app_context():
        from webapp.extensions import db

        db.drop_all()
    answer = visitor.get("/account")
    assert answer.status_code == 500
    assert "Something failed on our side" in answer.text


@pytest.mark.parametrize("token", [None, "forged"])
def test_a_form_without_a_valid_token_is_refused_with_a_page_that_says_what_to_do(
    login: Callable[..., Visitor], token: str | None
) -> None:
    answer = login().post("/account", data={"csrf_token": token} if token else {})
    assert answer.status_code == 400
    assert "This page is out of date" in answer.text
    assert "what you typed is still there" in answer.text


def test_the_token_may_come_in_a_header_as_htmx_sends_it(login: Callable[..., Visitor]) -> None:
    visitor = login()
    headers = {"X-CSRFToken": visitor.token(), "HX-Request": "true"}
    assert visitor.post("/account/theme", data={"theme": "light"}, headers=headers).status_code == 204


def test_a_request_larger_than_forms_need_is_413(login: Callable[..., Visitor]) -> None:
    answer = login().submit("/account", {"name": "x" * (3 * 2**20)})
    assert answer.status_code == 413
    assert "This is too large" in answer.text
