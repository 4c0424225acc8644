"""Migrations go up, down, and over rows, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from tests.conftest import settings
from tests.webapp.rows import add_one_of_each
from webapp import create_app
from webapp.config import ROOT
from webapp.extensions import db
from webapp.models import Analysis, AuditEntry, Base, Exam, ExamWord, Image
from webapp.services import audit_verify

MIGRATIONS = str(ROOT / "migrations")
REVISIONS = [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application, in its context, on a database without tables."""
    url = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    app = create_app(settings(tmp_path, **url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_makes_every_table_and_down_leaves_none(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    assert tables() == set(Base.metadata.tables)
    flask_migrate.downgrade(MIGRATIONS, "base")
    assert tables() == set()


def test_after_up_the_models_ask_for_nothing_more(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_constraint_names_follow_the_convention_in_the_database_too(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    inspector = sa.inspect(db.engine)
    for table in Base.metadata.sorted_tables:
        wanted = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {c["name"] for c in inspector.get_check_constraints(table.name)} == wanted


def test_each_revision_can_be_undone_and_redone(empty: Flask) -> None:
    for revision in REVISIONS:
        flask_migrate.upgrade(MIGRATIONS, revision)
        before = tables()
        flask_migrate.downgrade(MIGRATIONS, "-1")
        flask_migrate.upgrade(MIGRATIONS, revision)
        assert tables() == before, revision


def test_rows_outlive_being_down_to_the_first_revision_and_up_again(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    add_one_of_each()
    flask_migrate.downgrade(MIGRATIONS, REVISIONS[0])
    flask_migrate.upgrade(MIGRATIONS)
    analysis = db.session.scalars(sa.select(Analysis)).one()
    assert list(analysis.probabilities) == ["normal", "benign", "malignant"]
    assert analysis.created_at.utcoffset().total_seconds() == 0
    assert db.session.scalar(sa.select(sa.func.count(Exam.id))) == 1


def test_a_key_to_nothing_is_refused_by_both_databases(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    add_one_of_each()
    with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
        connection.execute(sa.update(Image).values(exam_id=4711))


def test_entries_of_before_the_audit_chain_are_chained_in_their_order(empty: Flask) -> None:
    before = REVISIONS[next(i for i, r in enumerate(REVISIONS) if "audit_chain" in _file(r)) - 1]
    flask_migrate.upgrade(MIGRATIONS, before)
    old = sa.text(
        "INSERT INTO audit_entries (id, at, action, object_type, object_uid, detail) "
        "VALUES (:id, '2026-01-02 03:04:05.000006', 'viewed', 'exam', :uid, '{\"frame\": 1}')"
    )
    with db.engine.begin() as connection:
        for number in (3, 4, 9):  # a sequence leaves gaps where acts were rolled back
            connection.execute(old, {"id": number, "uid": f"{number}" * 32})
    flask_migrate.upgrade(MIGRATIONS)
    report = audit_verify.verify()
    assert (report.whole, report.entries) == (True, 3)
    cases = db.session.scalars(sa.select(AuditEntry.case_uid).order_by(AuditEntry.id).limit(3))
    assert list(cases) == ["3" * 32, "4" * 32, "9" * 32]


def test_cases_of_before_get_the_words_that_they_would_have_had_since(empty: Flask) -> None:
    flask_migrate.upgrade(MIGRATIONS)
    add_one_of_each()
    by_session = words()
    before = REVISIONS[next(i for i, r in enumerate(REVISIONS) if "exam_words" in _file(r)) - 1]
    flask_migrate.downgrade(MIGRATIONS, before)
    flask_migrate.upgrade(MIGRATIONS)
    assert words() == by_session
    assert {"p1", "a1", "label:normal", "read:yes"} <= {word for _, word in by_session}


def words() -> set[tuple[int, str]]:
    with db.engine.connect() as connection:
        wanted = sa.select(ExamWord.exam_id, ExamWord.word)
        return {(row.exam_id, row.word) for row in connection.execute(wanted)}


def _file(revision: str) -> str:
    return ScriptDirectory(MIGRATIONS).get_revision(revision).path
