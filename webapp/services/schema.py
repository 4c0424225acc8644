"""The revision of the database, and the one that this code needs."""

from __future__ import annotations

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from webapp.config import ROOT

MIGRATIONS = ROOT / "migrations"


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None where it was never upgraded."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def needed() -> str:
    """The newest revision that this code knows."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


@cache
def known() -> frozenset[str]:
    """Every revision that this code knows."""
    return frozenset(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
