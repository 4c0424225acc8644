"""The history part of `script/bench`: a page at 1,000 and at 100,000 cases, each filter, both databases."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import flask_migrate
import psycopg
import sqlalchemy as sa
from flask import Flask

from tests.conftest import POSTGRES, settings
from tests.support import PASSWORD, Visitor
from webapp import create_app
from webapp.config import ROOT, AppConfig
from webapp.extensions import db
from webapp.models import Exam, Patient, Read, now
from webapp.services import accounts, seeding
from webapp.services.accounts import NewUser
from webapp.services.places import Cursor
from webapp.services.seeding import Shares

GOAL_MS = 100
GOAL_RATIO = 1.5
SMALL = 1000
GROUP = "Bench"
EMAIL = "radiologist@bench.example"
_SHARES = Shares(waiting=0.06, failed=0.06, outside=0.06)
"""So many that a page is full at `SMALL` cases too: only pages of the same length can be compared."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """An application with `cases` cases, and a browser in which its radiologist is signed in."""

    app: Flask
    cases: int
    visitor: Visitor
    views: dict[str, dict[str, str]]


def rows(large: int, rounds: int) -> list[dict[str, object]]:
    """Every view of the history at `SMALL` and at `large` cases, turn by turn."""
    found: list[dict[str, object]] = []
    for name, database in (("sqlite", _on_sqlite), ("postgres", _on_postgres)):
        with ExitStack() as stack:
            try:
                clinics = [stack.enter_context(database(count)) for count in (SMALL, large)]
            except psycopg.OperationalError:
                what = f"history on {name}: no server on 127.0.0.1:5432"
                found.append({"what": what, "value": 0, "unit": "", "goal": None, "met": None})
                continue
            for view in clinics[0].views:
                found += _rows(f"history, {name}, {view}", *_measure(clinics, view, rounds), large)
    return found


def _rows(what: str, small: float, many: float, large: int) -> list[dict[str, object]]:
    ratio = many / small
    goals = (
        (f"{what}: page at {large:,}", many, "ms", f"<= {GOAL_MS} ms", many <= GOAL_MS),
        (f"{what}: against {SMALL:,}", ratio, "x", f"<= {GOAL_RATIO} x", ratio <= GOAL_RATIO),
    )
    return [dict(zip(("what", "value", "unit", "goal", "met"), goal, strict=True)) for goal in goals]


def _measure(clinics: list[Clinic], view: str, rounds: int) -> list[float]:
    """Median milliseconds of a page in each clinic; the first of each is not counted."""
    times: list[list[float]] = [[] for _ in clinics]
    for _ in range(rounds + 1):
        for clinic, of in zip(clinics, times, strict=True):
            began = time.perf_counter()
            answer = clinic.visitor.get("/", query_string=clinic.views[view])
            of.append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                raise RuntimeError(f"{view}: {answer.status_code}")
    return [statistics.median(of[1:]) for of in times]


@contextmanager
def _on_sqlite(cases: int) -> Iterator[Clinic]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _filled(settings(Path(folder)), cases)


@contextmanager
def _on_postgres(cases: int) -> Iterator[Clinic]:
    name = f"secondread_bench_{uuid4().hex[:12]}"
    with (
        psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield from _filled(settings(Path(folder), database_url=f"{POSTGRES}/{name}"), cases)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _filled(config: AppConfig, cases: int) -> Iterator[Clinic]:
    app = create_app(config)
    app.test_client_class = Visitor
    with app.app_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        seeding.seed(cases, GROUP, shares=_SHARES)
        accounts.create(NewUser(EMAIL, "Bench", PASSWORD, GROUP, ("radiologist",)))
        _look_after_statistics()
        views = _views()
        db.session.remove()
    visitor = app.test_client()
    if visitor.sign_in(EMAIL).status_code != 302:
        raise RuntimeError("the sign-in did not work")
    yield Clinic(app, cases, visitor, views)
    with app.app_context():
        db.engine.dispose()


def _look_after_statistics() -> None:
    """What Postgres does by itself within a minute of such a change; for SQLite the seeding has done it."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _views() -> dict[str, dict[str, str]]:
    """Name -> the address of each view that is measured."""
    middle = db.session.scalars(sa.select(Exam).order_by(Exam.id).offset(_half()).limit(1)).one()
    reference = db.session.scalar(sa.select(sa.func.max(Patient.reference)))
    reader = db.session.scalar(sa.select(sa.func.min(Read.reader_id)))
    day = now() - timedelta(days=200)
    return {
        "no filter": {},
        "a page in the middle": {"after": str(Cursor(middle.created_at, middle.id))},
        "back from the middle": {"before": str(Cursor(middle.created_at, middle.id))},
        **{f"class {label}": {"label": label} for label in ("benign", "malignant", "normal")},
        **{f"result {result}": {"result": result} for result in _RESULTS},
        **{reading: {"reading": reading} for reading in ("read", "unread", "unread_by_me")},
        "one reader": {"reader": str(reader)},
        "two months": {"since": f"{day:%Y-%m-%d}", "until": f"{day + timedelta(days=61):%Y-%m-%d}"},
        "search, one patient": {"q": str(reference)},
        "search, every case": {"q": "breast"},
        "search, a number": {"q": "1"},
        "search, a year long ago": {"q": f"A{now().year - 2}"},
        "search, nothing": {"q": "zzz"},
        "class, result and reading": {"label": "benign", "result": "suspicious", "reading": "read"},
        "search and result": {"q": "breast", "result": "failed"},
    }


_RESULTS = ("suspicious", "not_suspicious", "out_of_scope", "waiting", "failed")


def _half() -> int:
    return (db.session.scalar(sa.select(sa.func.count(Exam.id))) or 0) // 2
