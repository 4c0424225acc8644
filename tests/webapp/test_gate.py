"""Deny by default, proved over every endpoint. What each role gets where: `test_access.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from tests.support import Visitor
from webapp import create_app
from webapp.config import AppConfig
from webapp.extensions import db
from webapp.gate import ASKED_BY_PAGES
from webapp.models import UserSession, now
from webapp.permissions import OPEN_ENDPOINTS, SAFE_METHODS, SET_UP_FACTORS

OPEN_ADDRESSES = {
    "/static/",
    "/login",
    "/login/second",
    "/login/second/code",
    "/login/second/passkey",
    "/login/passkey",
    "/login/passkey/answer",
    "/invitation/" + "f" * 32,
    "/healthz",
    "/readyz",
    "/metrics",
}
"""`/metrics` asks for a token of its own: `routes/test_metrics.py`."""

VALUES = {"uid": "f" * 32, "filename": "x.css", "label": "benign", "frame": 0, "user_id": 1}


def address(app: Flask, rule: Rule) -> str:
    """An address that `rule` matches; the object behind it need not exist."""
    values = {name: VALUES.get(name, "f" * 32) for name in rule.arguments}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, method=None, append_unknown=False)


def calls(app: Flask) -> list[tuple[str, str, str]]:
    """Every (endpoint, method, address) of the application."""
    return [
        (rule.endpoint, method, address(app, rule))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def test_the_open_list_holds_nothing_but_ways_in_health_and_static_files(app: Flask) -> None:
    opened = {
        address(app, rule).removesuffix("x.css")
        for rule in app.url_map.iter_rules()
        if rule.endpoint in OPEN_ENDPOINTS
    }
    assert opened == OPEN_ADDRESSES


def test_anonymous_is_denied_everywhere_but_on_the_open_list(app: Flask, client: Visitor) -> None:
    denied = [call for call in calls(app) if call[0] not in OPEN_ENDPOINTS]
    assert len(denied) > 5
    for endpoint, method, path in denied:
        page = client.open(path, method=method, headers={"Accept": "text/html"})
        data = client.open(path, method=method, headers={"Accept": "application/json"})
        if method in SAFE_METHODS:
            assert page.status_code == 302, (endpoint, method)
            assert page.location.startswith("/login"), (endpoint, method)
        else:
            assert page.status_code == 401, (endpoint, method)
        assert data.status_code == 401, (endpoint, method)
        assert data.json["code"] == "sign_in_needed"


def test_who_has_to_set_up_a_second_factor_reaches_nothing_but_that(
    config: AppConfig,
) -> None:
    app = create_app(config.model_copy(update={"second_factor_required_roles": frozenset({"radiologist"})}))
    app.test_client_class = Visitor
    visitor = app.test_client()
    assert visitor.sign_in("radiologist@north.example").status_code == 302
    shut = [call for call in calls(app) if call[0] not in OPEN_ENDPOINTS | SET_UP_FACTORS]
    assert len(shut) > 30
    for endpoint, method, path in shut:
        page = visitor.open(path, method=method, headers={"Accept": "text/html"})
        data = visitor.open(path, method=method, headers={"Accept": "application/json"})
        if method in SAFE_METHODS:
            assert (page.status_code, page.location) == (302, "/account/second-factor"), endpoint
        else:
            assert page.status_code == 403, endpoint
        assert (data.status_code, data.json["code"]) == (403, "second_factor_needed"), endpoint
    assert visitor.get("/nothing/here").location == "/account/second-factor"
    assert "/worklist" not in visitor.get("/account/second-factor").text


def test_whose_role_asks_for_none_is_not_held_up(config: AppConfig) -> None:
    app = create_app(config.model_copy(update={"second_factor_required_roles": frozenset({"admin"})}))
    app.test_client_class = Visitor
    visitor = app.test_client()
    visitor.sign_in("radiologist@north.example")
    assert visitor.get("/account").status_code == 200


def test_an_account_without_a_role_is_denied(app: Flask, login: Callable[..., Visitor]) -> None:
    visitor = login("radiologist")
    with app.app_context():
        from webapp.extensions import db
        from webapp.services import accounts

        accounts.find("radiologist@north.example").roles = []
        db.session.commit()
    assert visitor.get("/account").status_code == 403


def test_an_unknown_address_says_nothing_to_anonymous_and_404_to_others(
    client: Visitor, login: Callable[..., Visitor]
) -> None:
    assert client.get("/nothing/here").location.startswith("/login")
    answer = login().get("/nothing/here")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


def test_a_wrong_method_is_405_in_our_own_words(login: Callable[..., Visitor]) -> None:
    answer = login().put("/healthz")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin"])
def test_what_a_page_loads_is_refused_to_anonymous_and_begins_no_session(client: Visitor, mode: str) -> None:
    """Sent on to the sign-in page, an image of a page that was left would bring a session of its own, whose
    late cookie makes the form on the screen one of another session."""
    answer = client.get("/account", headers={"Accept": "*/*", "Sec-Fetch-Mode": mode})
    assert (answer.status_code, answer.location) == (401, None)
    assert "Set-Cookie" not in answer.headers
    page = client.get("/account", headers={"Accept": "*/*", "Sec-Fetch-Mode": "navigate"})
    assert page.location.startswith("/login")


def test_a_get_is_sent_to_sign_in_and_comes_back_to_the_page(client: Visitor) -> None:
    asked = client.get("/account?tab=a%26b", headers={"Accept": "text/html"})
    assert asked.location == "/login?next=/account?tab%3Da%2526b"
    back = client.sign_in("radiologist@north.example", page=asked.location)
    assert back.location == "/account?tab=a%26b"


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_never_leads_to_another_site(client: Visitor, evil: str) -> None:
    answer = client.sign_in("radiologist@north.example", page=f"/login?next={evil}")
    assert urlsplit(urljoin("http://localhost/login", answer.location or "")).netloc == "localhost"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/x", "///evil.example"])
def test_the_way_back_is_always_on_this_site(client: Visitor, path: str) -> None:
    answer = client.get("/", base_url="http://localhost", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 302
    assert answer.location.startswith(("/login?next=/evil", "/login?next=/%5Cevil"))


def test_htmx_is_told_to_go_to_sign_in_and_back_to_the_page_it_is_on(client: Visitor) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/account?a=1"}
    answer = client.get("/account", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/account?a%3D1"


@pytest.mark.parametrize(("path", "counts"), [("/account", True), ("/news?image=x", False)])
def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    app: Flask, login: Callable[..., Visitor], path: str, counts: bool
) -> None:
    visitor, hour_ago = login(), now() - timedelta(hours=1)
    with app.app_context():
        db.session.execute(sa.update(UserSession).values(seen_at=hour_ago))
        db.session.commit()
    assert visitor.get(path).status_code == 200
    with app.app_context():
        seen = db.session.scalars(sa.select(UserSession.seen_at)).all()
    assert (max(seen) > hour_ago) is counts


def test_the_polls_that_count_for_nothing_exist_and_only_look(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in ASKED_BY_PAGES]
    assert {rule.endpoint for rule in rules} == ASKED_BY_PAGES
    assert all(rule.methods <= SAFE_METHODS for rule in rules)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PATCH", "PROPFIND"])
def test_methods_of_no_use_here_are_refused(login: Callable[..., Visitor], method: str) -> None:
    assert login().open("/account", method=method).status_code == 405


@pytest.mark.parametrize(
    "path", ["/.git/config", "/static/../.git/config", "/static/%2e%2e/wsgi.py", "/static/"]
)
def test_nothing_but_static_files_is_served_from_the_disk(login: Callable[..., Visitor], path: str) -> None:
    assert login().get(path).status_code == 404
