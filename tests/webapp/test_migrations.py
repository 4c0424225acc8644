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
from webapp.models import Analysis, Base, Exam, Image

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


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_can_be_undone_and_redone(empty: Flask, revision: str) -> None:
    flask_migrate.upgrade(MIGRATIONS, revision)
    before = tables()
    flask_migrate.downgrade(MIGRATIONS, "-1")
    flask_migrate.upgrade(MIGRATIONS, revision)
    assert tables() == before


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
