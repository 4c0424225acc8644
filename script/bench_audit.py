"""The audit half of `script/bench`: how long verifying a log of many entries takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from webapp import create_app
from webapp.config import ROOT
from webapp.extensions import db
from webapp.models import GENESIS, AuditEntry, AuditHead, now
from webapp.services import audit_verify
from webapp.services.audit_chain import Act, sealed

GOAL_SECONDS = 60
"""For 1,000,000 entries."""
_BATCH = 5000


def rows(count: int) -> list[dict[str, object]]:
    """Fill a log with `count` entries in a temporary folder, and verify it."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        with app.app_context():
            flask_migrate.upgrade(str(ROOT / "migrations"))
            seed(app, count)
            began = time.perf_counter()
            report = audit_verify.verify()
            took = time.perf_counter() - began
            db.session.remove()
            db.engine.dispose()
    if not report.whole:
        raise RuntimeError(f"the log that was just written is not whole: {report.faults[0].words}")
    goal = GOAL_SECONDS * count / 1_000_000
    what = f"audit verify of {count:,} entries"
    return [
        {"what": what, "value": took, "unit": "s", "goal": f"<= {goal:g} s", "met": took <= goal},
    ]


def seed(app: Flask, count: int) -> None:
    """Add `count` views of cases by fifty people to an empty log, sealed as the application does it."""
    last_entry, last_hash = 0, GENESIS
    with app.app_context(), db.engine.begin() as connection:
        while last_entry < count:
            some = range(last_entry, min(count, last_entry + _BATCH))
            entries = sealed([_view(number) for number in some], last_entry, last_hash, now())
            connection.execute(sa.insert(AuditEntry.__table__), entries)
            last_entry, last_hash = entries[-1]["id"], entries[-1]["entry_hash"]
        connection.execute(sa.update(AuditHead).values(last_entry=last_entry, last_hash=last_hash))


def _view(number: int) -> Act:
    image, case = f"{number:032x}", f"{number // 10:032x}"
    return Act(number % 50 + 1, "viewed", "image", image, case, {"frame": number % 3}, "192.0.2.7")
