"""A fresh application with a fresh, migrated database for each test; CSRF stays on.

People, in every test's database, all with the password `tests.support.PASSWORD`:
radiologist@north.example, colleague@north.example (a second radiologist), tutor@north.example,
admin@north.example; radiologist@south.example, tutor@south.example. Groups "North" and "South".
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import flask_migrate
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import settings as hypothesis_settings
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from tests.support import PASSWORD, Visitor, absent
from webapp import create_app
from webapp.config import ROOT, AppConfig
from webapp.extensions import db
from webapp.models import UserSession, now
from webapp.services import accounts

PEOPLE = {
    "radiologist@north.example": ("North", "radiologist"),
    "colleague@north.example": ("North", "radiologist"),
    "tutor@north.example": ("North", "tutor"),
    "admin@north.example": ("North", "admin"),
    "radiologist@south.example": ("South", "radiologist"),
    "tutor@south.example": ("South", "tutor"),
}
POSTGRES = "postgresql://postgres@127.0.0.1:5432"

# On a busy machine one example may be slow by chance: pytest's timeout guards against hanging.
hypothesis_settings.register_profile("secondread", deadline=None)
hypothesis_settings.load_profile("secondread")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AppConfig.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def settings(folder: Path, **more: object) -> AppConfig:
    """Demo settings with everything under `folder` and cheap password hashes."""
    return AppConfig(demo=True, instance_dir=folder, **{"password_memory_kib": 64, **more})


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the people in it, made once, copied for each test."""
    app = create_app(settings(tmp_path_factory.mktemp("template")))
    with app.app_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        for email, (group, role) in PEOPLE.items():
            accounts.create(
                accounts.NewUser(email, email.partition("@")[0].title(), PASSWORD, group, (role,))
            )
        db.engine.dispose()
    return app.extensions["config"].instance_dir


@pytest.fixture(scope="session", autouse=True)
def _compiled_rules() -> Iterator[None]:
    """The functions that build addresses, shared: Werkzeug compiles two for each rule of each application,
    which is most of what making one costs."""
    compile_builder, compiled = Rule._compile_builder, {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = rule.rule, rule.host, rule.subdomain, repr(rule.defaults), tuple(rule._trace), append_unknown
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Compiled templates, shared: each application would compile its own."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def _cookies() -> dict[str, tuple[str, dict[str, object]]]:
    """E-mail -> session cookie of the first real sign-in, good in every test, whose keys are the same; and
    the columns of its row, which every test's database needs."""
    return {}


@pytest.fixture
def config(tmp_path: Path, _template: Path) -> AppConfig:
    """The settings of the test's application; its database is ready."""
    shutil.copytree(_template, tmp_path / "instance")
    return settings(tmp_path / "instance")


@pytest.fixture
def app(config: AppConfig, _compiled: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The application. Outside a request, use `with app.app_context():`."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = _compiled
    app.test_client_class = Visitor
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Visitor:
    """Somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def login(app: Flask, _cookies: dict[str, tuple[str, dict[str, object]]]) -> Callable[..., Visitor]:
    """`login("radiologist")`, `login("tutor", "south")`: a new browser of that person, signed in."""

    def sign_in(who: str = "radiologist", group: str = "north") -> Visitor:
        visitor, email = app.test_client(), f"{who}@{group}.example"
        if email not in _cookies:
            answer = visitor.sign_in(email)
            assert answer.status_code == 302, answer.text
            _cookies[email] = visitor.get_cookie("secondread").value, _newest_session(app)
        cookie, row = _cookies[email]
        _keep_session(app, row)
        visitor.set_cookie("secondread", cookie)
        with visitor.session_transaction() as session:
            session["fs_paa"] = time.time()  # it was just now, however long the tests take
        return visitor

    return sign_in


def _newest_session(app: Flask) -> dict[str, object]:
    with app.app_context():
        row = db.session.scalars(sa.select(UserSession).order_by(UserSession.id.desc())).first()
        return {name: getattr(row, name) for name in ("uid", "user_id", "token_hash", "browser")}


def _keep_session(app: Flask, row: dict[str, object]) -> None:
    with app.app_context(), db.engine.begin() as connection:
        known = sa.select(UserSession.id).where(UserSession.uid == row["uid"])
        if connection.execute(known).first() is None:
            connection.execute(sa.insert(UserSession).values(**row, created_at=now(), seen_at=now()))


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty database of its own on the local Postgres, dropped afterwards."""
    name = f"secondread_test_{uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        absent("Postgres (127.0.0.1:5432, user postgres)")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield f"{POSTGRES}/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
