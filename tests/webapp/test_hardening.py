"""What docs/security.md promises and no other test proves."""

from __future__ import annotations

import ast
import io
import logging
import re
import statistics
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from tests.conftest import settings
from tests.scans import png
from tests.support import Visitor
from tests.webapp.test_gate import calls
from webapp import create_app
from webapp.config import ROOT
from webapp.permissions import OPEN_ENDPOINTS, SAFE_METHODS, may_call
from webapp.services import accounts

CODE = [path for room in ("webapp", "ml") for path in sorted((ROOT / room).rglob("*.py"))]
SCRIPTS = "\n".join(path.read_text() for path in sorted((ROOT / "static" / "js").glob("*.js")))
TEMPLATES = {path.name: path.read_text() for path in sorted((ROOT / "templates").rglob("*.html"))}
# What opens an address of any kind. Storage, queue, database and mail connect by libraries of their own, to
# addresses from the settings.
OPENERS = {"aiohttp", "ftplib", "http.client", "httpx", "requests", "urllib.request", "urllib3", "webbrowser"}


@cache
def nodes() -> list[tuple[Path, ast.AST]]:
    return [(path, node) for path in CODE for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {name.name for name in node.names}
    if isinstance(node, ast.ImportFrom):
        return {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
    return set()


@cache
def called(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def upload(visitor: Visitor, name: str, data: bytes) -> str:
    """The identifier of the image that comes of it."""
    form = {"csrf_token": visitor.token("/upload"), "files": (io.BytesIO(data), name)}
    answer = visitor.post("/uploads", data=form, headers={"Accept": "application/json"})
    return answer.json["files"][0]["image_uid"]


def test_no_module_of_the_application_opens_addresses() -> None:
    assert [(path.name, found) for path, node in nodes() if (found := imported(node) & OPENERS)] == []


def test_no_shell_is_ever_started() -> None:
    started = {(path.name, called(node)) for path, node in nodes() if "subprocess." in called(node)}
    assert started == {("process.py", "subprocess.Popen"), ("trial.py", "subprocess.run")}
    shells = {"os.system", "os.popen", "subprocess.getoutput"}
    assert [path.name for path, node in nodes() if called(node) in shells] == []
    asked = [node for _, node in nodes() if isinstance(node, ast.keyword) and node.arg == "shell"]
    assert asked == []


def test_templates_are_files_and_escape() -> None:
    built = {"render_template_string", "from_string", "Template"}
    assert [path.name for path, node in nodes() if called(node).rpartition(".")[2] in built] == []
    raw = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\(")
    assert [name for name, text in TEMPLATES.items() if raw.search(text)] == []


def test_scripts_of_the_pages_use_nothing_dangerous() -> None:
    words = (
        r"\beval\(|new Function|document\.write|insertAdjacentHTML|__proto__|[\"']message[\"']|outerHTML\s*="
    )
    # Other windows of this origin may tell a channel something; windows of others reach none.
    channels = re.findall(r"\bbeside = (.*)", SCRIPTS)
    assert channels
    assert [made for made in channels if "new BroadcastChannel(" not in made] == []
    assert re.findall(words, re.sub(r"\bbeside\??\.addEventListener\(\"message\"", "", SCRIPTS)) == []
    assert re.findall(r"setTimeout\(\s*[\"'`]", SCRIPTS) == []


def test_no_value_is_read_from_wherever_it_comes() -> None:
    assert [
        path.name
        for path, node in nodes()
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "request.values"
    ] == []


def test_every_endpoint_that_changes_something_asks_for_the_form_token(
    app: Flask, login: Callable[..., Visitor]
) -> None:
    visitors = {role: login(role) for role in ("radiologist", "tutor", "admin")}
    with app.app_context():
        mays = {
            role: {call for call in calls(app) if may_call(accounts.find(f"{role}@north.example"), *call[:2])}
            for role in visitors
        }
    changing = [call for call in calls(app) if call[1] not in SAFE_METHODS]
    assert len(changing) > 15
    for endpoint, method, path in changing:
        if endpoint in OPEN_ENDPOINTS:
            who = app.test_client()
        else:
            who = next(visitors[role] for role in visitors if (endpoint, method, path) in mays[role])
        answer = who.open(path, method=method, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json["code"]) == (400, "form_expired"), (endpoint, method)


def test_no_other_origin_may_read_an_answer(login: Callable[..., Visitor]) -> None:
    for path in ("/", "/account", "/news?image=x", "/healthz"):
        headers = login().get(path, headers={"Origin": "https://evil.example"}).headers
        assert [name for name, _ in headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/nothing", "text/html; charset=utf-8"),
        ("/news?image=x", "application/json"),
        ("/history.csv", "text/csv; charset=utf-8"),
        ("/static/css/secondread.css", "text/css; charset=utf-8"),
        ("/static/js/shell.js", "text/javascript; charset=utf-8"),
    ],
)
def test_every_page_says_what_it_is(login: Callable[..., Visitor], path: str, kind: str) -> None:
    answer = login().get(path)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_upload_is_never_served_as_what_it_may_be(login: Callable[..., Visitor]) -> None:
    visitor = login()
    image = upload(
        visitor, "<script>x</script>; Set-Cookie: a=b\u202e.html", png(1) + b"<script>alert(1)</script>"
    )
    answer = visitor.get(f"/media/originals/{image}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if "a=b" in cookie]
    assert "\u202e" not in answer.headers["Content-Disposition"]
    shown = visitor.get(f"/media/images/{image}/0.png")
    assert shown.headers["Content-Type"] == "image/png"
    assert b"<script>" not in shown.data


def test_no_cache_keeps_a_scan_that_can_be_read(login: Callable[..., Visitor]) -> None:
    visitor = login()
    image = upload(visitor, "a.png", png(2))
    assert visitor.get(f"/media/images/{image}/0.png").headers["Cache-Control"] == "no-store"
    assert visitor.get(f"/media/thumbnails/{image}.png").headers["Cache-Control"] == "private, max-age=600"


@pytest.mark.parametrize("page", ["/login", "/account/password"])
def test_password_fields_are_masked_and_open_to_password_managers(
    client: Visitor, login: Callable[..., Visitor], page: str
) -> None:
    text = (client if page == "/login" else login()).get(page).text
    fields = re.findall(r"<input[^>]*password[^>]*>", text)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "onpaste" not in field


def test_a_cookie_that_was_changed_or_signed_by_others_signs_nobody_in(
    app: Flask, login: Callable[..., Visitor], tmp_path: Path
) -> None:
    good = login().get_cookie("secondread").value
    inside = app.session_interface.get_signing_serializer(app).loads(good)
    other = create_app(settings(tmp_path / "other"))
    forged = [
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "x" + good,
        other.session_interface.get_signing_serializer(other).dumps(inside),
        URLSafeTimedSerializer("").dumps(inside),
    ]
    for cookie in forged:
        thief = app.test_client()
        thief.set_cookie("secondread", cookie)
        assert thief.get("/account").status_code == 302
    thief = app.test_client()
    thief.set_cookie("secondread", good)
    assert thief.get("/account").status_code == 200


def test_a_refusal_is_logged_with_who_and_what(
    app: Flask, login: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    admin = login("admin")
    with caplog.at_level(logging.INFO, "webapp"):
        admin.get("/upload")
        admin.post("/account/theme", data={"theme": "dark"})
    said = [record.facts for record in caplog.records if record.name == "webapp"]
    with app.app_context():
        number = accounts.find("admin@north.example").id
    assert [(line["endpoint"], line["status"], line["user"]) for line in said] == [
        ("worklist.upload", 403, number),
        ("account.theme", 400, number),
    ]


def test_an_unknown_account_takes_as_long_as_a_wrong_password(config, tmp_path: Path) -> None:
    app = create_app(config.model_copy(update={"password_memory_kib": 19_456}))
    app.test_client_class = Visitor
    with app.app_context():
        user = accounts.find("radiologist@north.example")
        user.password = accounts.hashed("a password of real cost")
        from webapp.extensions import db

        db.session.commit()
    spent: dict[str, list[float]] = {"radiologist": [], "nobody": []}
    for number in range(5):
        for who in spent:
            visitor = app.test_client()
            visitor.get("/login")
            email = f"{who}@north.example" if who == "radiologist" else f"nobody{number}@north.example"
            began = time.process_time()
            answer = visitor.sign_in(email, "wrong password here")
            spent[who].append(time.process_time() - began)
            assert answer.status_code == 200
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.6 < known / unknown < 1.7, spent
