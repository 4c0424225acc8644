"""What the database knows of its tables' sizes, so that it chooses the right index."""

from __future__ import annotations

from sqlalchemy import text

from webapp.extensions import db


def refresh() -> None:
    """Let SQLite count the cases of each group: milliseconds at 100,000, it looks at 1,000 of an index.

    It does nothing of the kind by itself, and without it takes the cases of a group to be about ten.
    Postgres needs no help (autovacuum). Of the other tables it needs no figures, and those of `exam_words`, a
    mean over words that one case has and words that all have, would make it sort what is in order. ANALYZE
    and not PRAGMA optimize, which before SQLite 3.46 looks only at what its own connection has asked for.
    https://sqlite.org/lang_analyze.html, 3.

    Raises SQLAlchemyError where the database is away or busy; the plans stay as they were.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("PRAGMA analysis_limit=1000", "ANALYZE exams"):
            connection.execute(text(statement)).close()
