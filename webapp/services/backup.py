"""A backup of database and files together, taken while the application runs.

First one snapshot of the database, then the files that its rows name. Files never change and are written
before their rows, so whatever the snapshot names is there; what came later belongs to the next backup.
Drawn pictures are left out: they are drawn again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from webapp.extensions import db
from webapp.models import now
from webapp.services import audit, dump, schema
from webapp.services.backup_file import BackupError, Writer
from webapp.services.dump import Sheet
from webapp.services.storage import StoredFileMissing, storage

FORMAT = 1
HEADER, MISSING, TABLES = "backup.json", "missing.json", "tables"
_CHUNK = 2000
"""Rows in one member: a whole table need not fit into memory."""

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, in rows and files."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds. `missing`: the keys of files that are named by a row and are not in the
    storage, or are not as they were uploaded; the backup is whole but for these."""

    rows: int
    files: int
    missing: tuple[str, ...]


def make(path: Path, progress: Progress = lambda done, total: None) -> Made:
    """Write a backup to `path`, and say so in the audit log.

    Raises:
        BackupError: there is a file already, the database is not upgraded, or the disk is full.
        StorageError: the storage can't be reached.
    """
    with Writer(path) as file, snapshot() as connection:
        revision = require_upgraded(connection)
        work = _Work(file, connection, progress)
        work.header(revision)
        work.tables()
        made = work.files()
    audit.record("backup_made", None, "backup", rows=made.rows, files=made.files, missing=len(made.missing))
    db.session.commit()
    return made


@contextmanager
def snapshot() -> Iterator[Connection]:
    """A connection that sees the database as it is now, all along, and hinders nobody who writes."""
    options = {}
    if db.engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with db.engine.connect().execution_options(**options) as connection:
        if db.engine.dialect.name == "sqlite":
            # Python's driver reads without a transaction; in WAL mode one is a snapshot beside a writer.
            connection.exec_driver_sql("BEGIN")
        yield connection


def require_upgraded(connection: Connection) -> str:
    """The revision of the database. BackupError where it is not that of this code."""
    revision = schema.current(connection)
    if revision is None or revision != schema.needed():
        at = f"The database is at revision {revision}, this version of SecondRead at {schema.needed()}"
        raise BackupError(f"{at}: flask db upgrade.")
    return revision


def chunks(rows: Iterator[str]) -> Iterator[list[str]]:
    """`rows` in lists of bounded length."""
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def stored(sheet: Sheet) -> bool:
    """Whether the rows of a table name files."""
    return "storage_key" in dict(sheet.columns)


def files_named(connection: Connection) -> dict[str, str | None]:
    """{key: SHA-256 or None} of every file that a row names."""
    named: dict[str, str | None] = {}
    for sheet in filter(stored, dump.sheets()):
        table, known = sheet.table, "sha256" in dict(sheet.columns)
        wanted = sa.select(table.c.storage_key, table.c.sha256 if known else sa.null())
        for key, sha256 in connection.execute(wanted.where(table.c.storage_key.is_not(None))):
            named[key] = sha256
    return named


class _Work:
    """The steps of a backup, on one snapshot."""

    def __init__(self, file: Writer, connection: Connection, progress: Progress) -> None:
        self._file, self._connection, self._progress = file, connection, progress
        self._sheets = dump.sheets()
        self._named = files_named(connection)
        counts = (sa.select(sa.func.count()).select_from(sheet.table) for sheet in self._sheets)
        self._rows = sum(connection.scalar(count) or 0 for count in counts)
        self._done = 0

    def header(self, revision: str) -> None:
        said = {
            "format": FORMAT,
            "revision": revision,
            "made_at": now().isoformat(timespec="seconds"),
            "database": self._connection.dialect.name,
            "total": self._rows + len(self._named),
            "tables": [sheet.as_json() for sheet in self._sheets],
        }
        self._file.add(HEADER, _json(said))

    def tables(self) -> None:
        for sheet in self._sheets:
            for number, chunk in enumerate(chunks(dump.lines(self._connection, sheet)), 1):
                name = f"{TABLES}/{sheet.name}/{number:06}.jsonl"
                self._file.add(name, "".join(f"{line}\n" for line in chunk).encode())
                self._advance(len(chunk))

    def files(self) -> Made:
        missing = []
        for key, sha256 in self._named.items():
            data = self._read(key)
            if data is not None and sha256 in (None, hashlib.sha256(data).hexdigest()):
                self._file.add(key, data)
            else:
                missing.append(key)
            self._advance(1)
        self._file.add(MISSING, _json(missing))
        return Made(self._rows, len(self._named) - len(missing), tuple(missing))

    def _read(self, key: str) -> bytes | None:
        try:
            return storage().read(key)
        except StoredFileMissing:
            return None

    def _advance(self, by: int) -> None:
        self._done += by
        self._progress(self._done, self._rows + len(self._named))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()
