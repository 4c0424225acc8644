"""Time and connections are the same on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from webapp import create_app
from webapp.extensions import db
from webapp.models import UTCDateTime, Worker

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application, in its context, with empty tables."""
    url = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    app = create_app(settings(tmp_path, **url))
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


def test_a_time_comes_back_as_the_same_instant_in_utc(database: Flask) -> None:
    given = datetime(2026, 3, 29, 1, 30, 15, 123456, tzinfo=EAST)
    db.session.add(Worker(name="w", seen_at=given))
    db.session.commit()
    db.session.expire_all()
    (kept,) = db.session.scalars(sa.select(Worker.seen_at))
    assert kept == given
    assert kept.tzinfo is UTC


def test_times_compare_by_instant_in_the_database(database: Flask) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    db.session.add(Worker(name="w", seen_at=noon))
    db.session.commit()
    later = (noon + timedelta(minutes=1)).astimezone(EAST)
    assert db.session.scalar(sa.select(Worker.name).where(Worker.seen_at < later)) == "w"
    assert db.session.scalar(sa.select(Worker.name).where(Worker.seen_at >= later)) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="names no instant"):
        UTCDateTime().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)


def test_every_sqlite_connection_keeps_keys_and_waits_for_its_turn(app: Flask) -> None:
    wanted = {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 10_000}
    with app.app_context(), db.engine.connect() as connection:
        for pragma, value in wanted.items():
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
