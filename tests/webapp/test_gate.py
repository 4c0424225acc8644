"""Deny by default, proved over every endpoint; a new endpoint is in the table without anyone's doing."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.support import Visitor
from webapp.permissions import OPEN_ENDPOINTS, OWN_ACCOUNT, SAFE_METHODS

OPEN_ADDRESSES = {"/static/", "/login", "/healthz", "/readyz"}
VALUES = {"uid": "f" * 32, "filename": "x.css", "label": "benign", "frame": 0}


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


def test_the_open_list_holds_nothing_but_sign_in_health_and_static_files(app: Flask) -> None:
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


def test_admin_changes_nothing_but_the_own_account(app: Flask, login: Callable[..., Visitor]) -> None:
    admin = login("admin")
    token = admin.token()
    changing = [
        c for c in calls(app) if c[1] not in SAFE_METHODS and c[0] not in OWN_ACCOUNT | OPEN_ENDPOINTS
    ]
    assert changing
    for endpoint, method, path in changing:
        answer = admin.open(path, method=method, data={"csrf_token": token})
        assert answer.status_code == 403, (endpoint, method)


@pytest.mark.parametrize("who", ["radiologist", "tutor", "admin"])
def test_every_role_passes_the_gate_to_look(app: Flask, login: Callable[..., Visitor], who: str) -> None:
    visitor = login(who)
    for endpoint, method, path in calls(app):
        if method in SAFE_METHODS:
            assert visitor.get(path).status_code not in (401, 403), endpoint


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
