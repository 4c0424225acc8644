"""A database that is away, locked or full is named on the page; what was saved stays."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError

from tests.scans import png
from tests.services_support import free_port
from tests.support import Visitor
from webapp import create_app, database_faults
from webapp.config import flask_settings
from webapp.extensions import db
from webapp.models import Image

JSON = {"Accept": "application/json"}


def each_connection(app, pragma: str) -> None:
    """Have every connection of `app` begin with `pragma`."""
    with app.app_context():
        db.engine.dispose()
        event.listen(db.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))


def files_of(form: dict[str, str], seed: int = 1) -> dict[str, object]:
    return {"data": {**form, "files": (io.BytesIO(png(seed)), "scan.png")}, "headers": JSON}


def images(app) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Image.id)))


def test_a_locked_database_is_busy_and_the_page_says_what_to_do(app, config, login):
    visitor = login()
    form = {"csrf_token": visitor.token()}
    each_connection(app, "busy_timeout=50")
    with closing(sqlite3.connect(config.instance_dir / "secondread.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        upload = visitor.post("/uploads", **files_of(form))
        page = visitor.post("/account/theme", data={**form, "theme": "light"})
        assert visitor.get("/account").status_code == 200, "reading goes on beside a writer"
    assert page.status_code == upload.status_code == 503
    assert "<h1>Busy just now</h1>" in page.text
    assert "Try again in a moment" in page.text
    assert upload.json["code"] == "database_busy"
    assert upload.headers["Retry-After"] == "10"
    assert images(app) == 0
    assert visitor.post("/uploads", **files_of(form)).json["files"][0]["code"] == "accepted"
    assert images(app) == 1


def test_a_full_disk_is_called_full_and_what_was_accepted_is_kept(app, login):
    visitor = login()
    form = {"csrf_token": visitor.token(), "note": "n" * 4000}
    each_connection(app, "max_page_count=1")  # it may not grow: SQLite says what it says of a full disk
    answers = []
    while len(answers) < 50 and (not answers or answers[-1].status_code == 200):
        answers.append(visitor.post("/uploads", **files_of(form, len(answers))))
    *accepted, full = answers
    assert (full.status_code, full.json["code"]) == (503, "disk_full")
    assert "There is no room left" in full.json["message"]
    assert images(app) == len(accepted)
    assert visitor.get("/").status_code == 200, "looking is not saving"


def test_a_postgres_that_is_away_is_named(config, login):
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"
    app = create_app(config.model_copy(update={"database_url": url}))
    app.test_client_class = Visitor
    visitor = app.test_client()
    visitor.set_cookie("secondread", login().get_cookie("secondread").value)
    page, data = visitor.get("/"), visitor.get("/", headers=JSON)
    assert page.status_code == data.status_code == 503
    assert "can&#39;t be reached" in page.text
    assert data.json["code"] == "database_unavailable"


@pytest.fixture
def engine(config, postgres_url):
    url = postgres_url.replace("postgresql", "postgresql+psycopg", 1)
    settings = flask_settings(config.model_copy(update={"database_url": url}))
    engine = create_engine(url, **settings["SQLALCHEMY_ENGINE_OPTIONS"])
    yield engine
    engine.dispose()


def test_postgres_is_waited_for_as_long_as_sqlite_is(engine):
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "10s"


def test_a_table_that_somebody_locks_is_busy(engine, postgres_url):
    with psycopg.connect(postgres_url) as other, engine.connect() as connection:
        other.execute("CREATE TABLE held (x int)")
        other.commit()
        other.execute("LOCK TABLE held")
        connection.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT * FROM held"))
    assert database_faults.named(caught.value).code == "database_busy"


def test_a_connection_that_postgres_closed_is_made_anew(engine, postgres_url):
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != process


def test_an_answer_is_not_lost_because_postgres_died_after_it(config, postgres_url):
    url = postgres_url.replace("postgresql", "postgresql+psycopg", 1)
    app = create_app(config.model_copy(update={"database_url": url}))
    with app.app_context():
        process = db.session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
    with app.app_context():
        assert db.session.scalar(text("SELECT pg_backend_pid()")) != process
        db.session.remove()
        db.engine.dispose()


def test_a_statement_that_was_wrong_is_not_called_the_database_s_fault(engine):
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT * FROM nothing"))
    assert database_faults.named(caught.value) is None
