"""An application on each of the two databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import flask_migrate
import psycopg
import pytest
from flask import Flask

from tests.conftest import POSTGRES, settings
from tests.support import PASSWORD, absent
from webapp import create_app
from webapp.config import ROOT, AppConfig
from webapp.extensions import db
from webapp.services import accounts


@pytest.fixture(scope="session")
def _postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a migrated Postgres database with admin@north.example in it, to be copied for each test."""
    name = f"secondread_template_{uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        absent("Postgres (127.0.0.1:5432, user postgres)")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        app = create_app(settings(tmp_path_factory.mktemp("postgres"), database_url=f"{POSTGRES}/{name}"))
        with app.app_context():
            flask_migrate.upgrade(str(ROOT / "migrations"))
            new = accounts.NewUser("admin@north.example", "Admin", PASSWORD, "North", ("admin",))
            accounts.create(new)
            db.session.remove()
            db.engine.dispose()
        yield name
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _fresh(request: pytest.FixtureRequest, folder: Path) -> Iterator[Flask]:
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("_template"), folder / "instance")
        yield from _until_done(settings(folder / "instance"))
        return
    template, name = request.getfixturevalue("_postgres_template"), f"secondread_test_{uuid4().hex[:12]}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield from _until_done(settings(folder, database_url=f"{POSTGRES}/{name}"))
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _until_done(config: AppConfig) -> Iterator[Flask]:
    app = create_app(config)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application on a fresh database, with an admin; once on SQLite and once on Postgres."""
    with _fresh(request, tmp_path) as app:
        yield app


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def both_of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """As `both`, one for all tests of a module: for what only adds to it."""
    with _fresh(request, tmp_path_factory.mktemp("both")) as app:
        yield app
