"""Bringing a backup back: database and files, into an empty place, on SQLite or Postgres, folder or S3.

The whole file is checked before anything is touched. Rows are loaded in one transaction, which is only
committed once every file is in the storage: what breaks off leaves an empty database, and can begin again.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import Conflict
from webapp.extensions import db
from webapp.services import audit, backup_file, dump, schema
from webapp.services.backup import FORMAT, HEADER, MISSING, TABLES, Progress, chunks, snapshot
from webapp.services.backup_file import BackupError
from webapp.services.dump import Sheet
from webapp.services.schema import MIGRATIONS
from webapp.services.storage import StoredFileMissing, storage

_ONLY_GROW = {"audit_entries", "audit_reviews"}
_UNDERSTOOD = (KeyError, TypeError, ValueError)


class NotEmpty(Conflict):
    """There is something where the backup should go."""

    code, title = "not_empty", "There is something here already"
    default = "The database or the storage is not empty. --force removes everything that is there first."


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself; `total` rows and files."""

    revision: str
    made_at: str
    total: int
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back and then found to be as in the backup. `missing` as in `backup.Made`."""

    made_at: str
    rows: int
    files: int
    missing: tuple[str, ...]


def check(path: Path) -> Header:
    """Read the whole backup, compare every checksum, and return what it says of itself.

    Raises:
        BackupError: it is damaged, broken off, no backup, or made by a newer version.
    """
    backup_file.sums(path)
    name, data = next(backup_file.members(path), ("", b""))
    try:
        said = json.loads(data) if name == HEADER else {}
        if said["format"] != FORMAT:
            raise BackupError(f"{path} has format {said['format']}; this version knows format {FORMAT} only.")
        sheets = tuple(map(Sheet.from_json, said["tables"]))
        header = Header(str(said["revision"]), str(said["made_at"]), int(said["total"]), sheets)
    except _UNDERSTOOD as error:
        raise BackupError(f"{path} is no backup of SecondRead: it does not begin with {HEADER}.") from error
    if header.revision not in schema.known():
        raise BackupError(
            f"{path} was made by a newer version of SecondRead (revision {header.revision}): upgrade first."
        )
    return header


def restore(path: Path, *, force: bool = False, progress: Progress = lambda done, total: None) -> Restored:
    """Bring back the backup at `path`, compare everything with it, and say so in the audit log.

    Where it was made by an older version, it is restored as it was, and then upgraded. `force` removes
    every row and file that is there, but only after `path` has been checked.

    Raises:
        BackupError: as in `check`; or the rows do not fit, or what is there afterwards differs.
        NotEmpty: there are rows or files, and not `force`.
        StorageError: the storage can't be written.
    """
    header = check(path)
    if force:
        _remove_everything()
    elif _something_there():
        raise NotEmpty()
    flask_migrate.upgrade(str(MIGRATIONS), header.revision)
    load = _Load(header, progress)
    load.everything(path)
    load.compare()
    flask_migrate.upgrade(str(MIGRATIONS))
    audit.record("restored", None, "backup", made_at=header.made_at, rows=load.rows, files=len(load.files))
    db.session.commit()
    return Restored(header.made_at, load.rows, len(load.files), load.missing)


def _something_there() -> bool:
    """Whether the place is in use. A database that was only just upgraded holds no person and no case."""
    with db.engine.connect() as connection:
        inspector = sa.inspect(connection)
        used = (
            connection.scalar(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1))
            for name in ("users", "exams", "audit_entries")
            if inspector.has_table(name)
        )
        return any(used) or next(storage().keys("originals"), None) is not None


def _remove_everything() -> None:
    db.session.remove()
    flask_migrate.downgrade(str(MIGRATIONS), "base")
    for key in [*storage().keys("originals"), *storage().keys("derived")]:
        storage().delete(key)


class _Load:
    """One pass over a checked backup: rows into the database, files into the storage.

    `digests`: {table: SHA-256 of its lines}; `files`: {key: SHA-256}.
    """

    def __init__(self, header: Header, progress: Progress) -> None:
        self._header, self._progress = header, progress
        self._sheets = {sheet.name: sheet for sheet in header.sheets}
        self._digests: dict[str, hashlib._Hash] = defaultdict(hashlib.sha256)
        self.files: dict[str, str] = {}
        self.missing: tuple[str, ...] = ()
        self.rows = 0

    def everything(self, path: Path) -> None:
        """Bring back all of it in one transaction. BackupError where the database refuses a row."""
        with _named_errors(), _transaction() as connection:
            for sheet in reversed(self._header.sheets):
                if sheet.name not in _ONLY_GROW:  # their rows refuse; a new database has none
                    connection.execute(sa.delete(sheet.table))  # what migrations filled in by themselves
            for name, data in backup_file.members(path):
                self._one(connection, name, data)
                self._progress(self.rows + len(self.files), self._header.total)
            for sheet in self._header.sheets:
                dump.count_on(connection, sheet)

    def compare(self) -> None:
        """Read everything back. BackupError naming what differs from the backup."""
        with snapshot() as connection:
            differ = [sheet.name for sheet in self._header.sheets if not self._same(connection, sheet)]
        for key, sha256 in self.files.items():
            try:
                if hashlib.sha256(storage().read(key)).hexdigest() != sha256:
                    differ.append(key)
            except StoredFileMissing:
                differ.append(key)
        if differ:
            raise BackupError(f"What was restored differs from the backup in: {', '.join(differ)}.")

    def _one(self, connection: Connection, name: str, data: bytes) -> None:
        area, _, rest = name.partition("/")
        if area == TABLES:
            table = rest.partition("/")[0]
            rows = data.decode("ascii").splitlines()
            dump.load(connection, self._sheets[table], rows)
            self._digests[table].update(data)
            self.rows += len(rows)
        elif name == MISSING:
            self.missing = tuple(json.loads(data))
        elif name != HEADER:
            storage().put_back(name, data)
            self.files[name] = hashlib.sha256(data).hexdigest()

    def _same(self, connection: Connection, sheet: Sheet) -> bool:
        there = hashlib.sha256()
        for chunk in chunks(dump.lines(connection, sheet)):
            there.update("".join(f"{line}\n" for line in chunk).encode())
        return there.hexdigest() == self._digests[sheet.name].hexdigest()


@contextmanager
def _transaction() -> Iterator[Connection]:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Rows of one table may point to each other in any order; keys are checked at the commit.
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        yield connection
        connection.commit()


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise BackupError(
            f"The database refused the backup ({type(error).__name__}); nothing was restored."
        ) from error
    except _UNDERSTOOD as error:
        raise BackupError("The backup holds rows that can't be understood; nothing was restored.") from error
