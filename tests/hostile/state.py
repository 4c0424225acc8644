"""All that a site has stored: the rows of its database and its files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_ALIVE = {"audit_heads", "user_sessions", "workers"}
"""Where the log ends and who was last seen when: these rows change by themselves."""
_LIVING = (".log", ".db", ".db-wal", ".db-shm")
"""Endings of logs and databases; the rows of the database are looked at one by one."""


@dataclass(frozen=True)
class State:
    """`rows`: (table, the row's columns as text). `files`: path -> (size, time of the last change)."""

    rows: frozenset[tuple[str, str]]
    files: dict[str, tuple[int, int]]

    def tables_added(self, before: State) -> list[str]:
        """The tables of the rows that are new since `before`, sorted."""
        return sorted(table for table, _ in self.rows - before.rows)


def stored(folder: Path) -> State:
    """What a site whose instance folder is `folder` has stored now (SQLite)."""
    files = {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(_LIVING)
    }
    return State(frozenset(_rows(folder / "secondread.db")), files)


def query(database: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """The answer of a database to a question from outside."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        return connection.execute(statement, values).fetchall()


def _rows(database: Path) -> set[tuple[str, str]]:
    tables = query(database, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        (str(table), repr(row))
        for (table,) in tables
        if table not in _ALIVE
        for row in query(database, f'SELECT * FROM "{table}"')
    }
