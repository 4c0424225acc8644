"""What the database knows of its tables' sizes, so that it chooses the right index."""

from __future__ import annotations

from sqlalchemy import text

from webapp.extensions import db


def refresh() -> None:
    """Let SQLite count what has grown since the last time; a fraction of a second at 100,000 cases.

    It does nothing of the kind by itself, and without it takes the cases of a group to be about ten. Postgres
    needs no help (autovacuum). https://sqlite.org/lang_analyze.html, "Recommended usage patterns": 0x10002
    looks at every table, and 1,000 entries of each index are enough to know.

    Raises SQLAlchemyError where the database is away or busy; the plans stay as they were.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("PRAGMA analysis_limit=1000"))
        connection.execute(text("PRAGMA optimize=0x10002"))
