"""/healthz says that the process lives, /readyz whether work can be done, naming what is missing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from tests.support import Visitor
from webapp import create_app
from webapp.extensions import db
from webapp.models import Worker, now


@pytest.fixture
def worker(app: Flask) -> None:
    """A worker that has just said that it lives."""
    with app.app_context():
        db.session.add(Worker(name="w"))
        db.session.commit()


def test_alive_whatever_else_is_broken(tmp_path: Path) -> None:
    broken = settings(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    answer = create_app(broken).test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_ready_with_database_storage_queue_and_worker(client: Visitor, worker: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json
    assert answer.json["missing"] == []
    assert set(answer.json["parts"]) == {"database", "storage", "queue", "worker"}


def test_without_a_worker_it_is_not_ready_and_says_so(client: Visitor) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["missing"] == ["worker"]


def test_a_worker_not_heard_of_for_a_minute_is_missing(app: Flask, client: Visitor) -> None:
    with app.app_context():
        db.session.add(Worker(name="w", seen_at=now() - timedelta(seconds=61)))
        db.session.commit()
    assert client.get("/readyz").json["missing"] == ["worker"]


def test_a_storage_that_can_t_be_written_is_missing(app: Flask, client: Visitor, worker: None) -> None:
    folder = Path(app.extensions["config"].storage_url)
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("a file where the folder should be")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["missing"] == ["storage"]


def test_a_database_without_tables_is_missing_and_does_not_hide_the_rest(tmp_path: Path) -> None:
    answer = create_app(settings(tmp_path)).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["missing"] == ["database", "worker"]
    assert "flask db upgrade" in answer.json["parts"]["database"]


@pytest.mark.parametrize(("revision", "remedy"), [("0001", "flask db upgrade"), ("9999", "newer version")])
def test_a_database_of_another_version_is_missing_and_the_remedy_is_named(
    app: Flask, client: Visitor, worker: None, revision: str, remedy: str
) -> None:
    with app.app_context():
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = :at"), {"at": revision})
        db.session.commit()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["missing"]) == (503, ["database"])
    assert remedy in answer.json["parts"]["database"]


def test_each_missing_part_names_its_setting_or_command(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    away = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "queue_url": "redis://127.0.0.1:1/0"}
    parts = create_app(settings(tmp_path, **away)).test_client().get("/readyz").json["parts"]
    for part, word in {"database": "DATABASE_URL", "storage": "STORAGE_URL", "queue": "QUEUE_URL"}.items():
        assert word in parts[part]


def test_a_database_and_queue_out_of_reach_are_missing(tmp_path: Path) -> None:
    away = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "queue_url": "redis://127.0.0.1:1/0"}
    answer = create_app(settings(tmp_path, **away)).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["missing"] == ["database", "queue", "worker"]
    assert "nobody" not in answer.text
