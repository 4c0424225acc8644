"""What a database's error means for whoever is waiting for a page: away, busy, full, or our own mistake."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError

from webapp.errors import DatabaseBusy, DatabaseUnavailable, DiskFull, Unavailable

_SQLITE: dict[int, type[Unavailable]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnavailable,
    sqlite3.SQLITE_IOERR: DatabaseUnavailable,
    sqlite3.SQLITE_NOMEM: DatabaseUnavailable,
    sqlite3.SQLITE_PERM: DatabaseUnavailable,
    sqlite3.SQLITE_PROTOCOL: DatabaseBusy,
    sqlite3.SQLITE_READONLY: DatabaseUnavailable,
}
"""Primary result codes (https://sqlite.org/rescode.html)."""
_POSTGRES: tuple[tuple[str, type[Unavailable]], ...] = (
    ("53100", DiskFull),
    ("53", DatabaseUnavailable),  # out of memory, too many connections
    ("08", DatabaseUnavailable),  # the connection
    ("57P", DatabaseUnavailable),  # it stops, it starts, it recovers
    ("58", DatabaseUnavailable),  # its own disk
    ("25006", DatabaseUnavailable),  # a standby, which is read only
    ("57014", DatabaseBusy),  # a statement took too long
    ("55P03", DatabaseBusy),  # a lock was not to be had
    ("40", DatabaseBusy),  # a deadlock, or two writers in each other's way
)
"""Beginnings of SQLSTATE (PostgreSQL, appendix A), the longer before the shorter."""


def named(error: SQLAlchemyError) -> Unavailable | None:
    """The fault that a person is told, or None where the statement itself was wrong."""
    if isinstance(error, TimeoutError):  # no connection of the pool came free
        return DatabaseBusy()
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        kind = _SQLITE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)
        return kind() if kind else None
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return DatabaseUnavailable() if error.connection_invalidated or _is_connection(error) else None
    return next((kind() for begins, kind in _POSTGRES if state.startswith(begins)), None)


def _is_connection(error: DBAPIError) -> bool:
    """psycopg says nothing more of a connection that could not be made or broke off."""
    return type(error).__name__ in {"OperationalError", "InterfaceError"}
