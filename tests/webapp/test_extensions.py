"""The database keeps what was answered as kept."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from webapp.extensions import db


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 10000)],
)
def test_sqlite_forces_commits_to_the_disk_and_minds_foreign_keys(app, pragma, value):
    """synchronous 2 is FULL: an upload answered as accepted survives a power cut."""
    with app.app_context():
        assert db.session.scalar(text(f"PRAGMA {pragma}")) == value
