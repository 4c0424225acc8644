"""Tables as lines of JSON, the same from SQLite and from Postgres: the database half of a backup.

A dump describes itself: each table comes with the kind of each column, so that it is read back without
the models of its day, into the schema of its day, and migrations do the rest.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator, TypeEngine

from webapp.models import Base, UTCDateTime
from webapp.models.base import Json

_PARENTS: tuple[tuple[str, type[TypeEngine[Any]]], ...] = (
    ("json", sa.JSON),
    ("datetime", sa.DateTime),
    ("date", sa.Date),
    ("bool", sa.Boolean),
    ("int", sa.Integer),
    ("float", sa.Float),
    ("bytes", sa.LargeBinary),
    ("str", sa.String),
)
_TYPES: dict[str, TypeEngine[Any]] = {
    "json": Json,
    "datetime": UTCDateTime(),
    "date": sa.Date(),
    "bool": sa.Boolean(),
    "int": sa.BigInteger(),
    "float": sa.Double(),
    "bytes": sa.LargeBinary(),
    "str": sa.Text(),
}
_TO_JSON: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.isoformat,
    "date": date.isoformat,
    "bytes": lambda value: b64encode(value).decode(),
}
_FROM_JSON: dict[str, Callable[[Any], Any]] = {
    "datetime": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "date": date.fromisoformat,
    "bytes": b64decode,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its columns with their kinds (see `_TYPES`), and the columns that order its rows."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @classmethod
    def of(cls, table: sa.Table) -> Sheet:
        """The sheet of a table of ours. Raises TypeError for a column of a kind that can't be dumped."""
        columns = tuple((column.name, _kind(column)) for column in table.columns)
        return cls(table.name, columns, tuple(column.name for column in table.primary_key))

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Sheet:
        """The sheet that `as_json` wrote. Raises KeyError, TypeError or ValueError where it is none."""
        columns = tuple((str(name), str(kind)) for name, kind in said["columns"])
        if unknown := {kind for _, kind in columns} - _TYPES.keys():
            raise ValueError(f"There are no columns of the kind {', '.join(sorted(unknown))}.")
        return cls(str(said["name"]), columns, tuple(map(str, said["key"])))

    def as_json(self) -> dict[str, Any]:
        """This sheet as plain JSON values."""
        return asdict(self)

    @property
    def table(self) -> sa.TableClause:
        """The table for statements, by name and kinds alone."""
        return sa.table(self.name, *(sa.column(name, _TYPES[kind]) for name, kind in self.columns))


def sheets() -> list[Sheet]:
    """All tables of the application, those first that others point to."""
    return [Sheet.of(table) for table in Base.metadata.sorted_tables]


def lines(connection: Connection, sheet: Sheet) -> Iterator[str]:
    """Every row of a table in the order of its key, one JSON array a line, without the line's end."""
    table = sheet.table
    wanted = sa.select(table).order_by(*(table.c[name] for name in sheet.key))
    for row in connection.execution_options(yield_per=500).execute(wanted):
        yield json.dumps(_each(_TO_JSON, sheet, row), separators=(",", ":"))


def load(connection: Connection, sheet: Sheet, rows: Sequence[str]) -> None:
    """Insert `rows`, lines of `lines`, as they are. The caller commits."""
    names = [name for name, _ in sheet.columns]
    values = [dict(zip(names, _each(_FROM_JSON, sheet, json.loads(row)), strict=True)) for row in rows]
    if values:
        connection.execute(sa.insert(sheet.table), values)


def count_on(connection: Connection, sheet: Sheet) -> None:
    """Let Postgres number new rows after the ones loaded: it does not look at them by itself."""
    if connection.dialect.name != "postgresql" or ("id", "int") not in sheet.columns:
        return
    sequence = sa.func.pg_get_serial_sequence(f'"{sheet.name}"', "id")
    last = sa.select(sa.func.max(sheet.table.c.id)).scalar_subquery()
    connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))


def _kind(column: sa.Column[Any]) -> str:
    plain = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    for kind, parent in _PARENTS:
        if isinstance(plain, parent):
            return kind
    raise TypeError(f"{column}: a column of type {plain!r} can't be dumped yet. Add its kind.")


def _each(change: dict[str, Callable[[Any], Any]], sheet: Sheet, row: Sequence[Any]) -> list[Any]:
    return [
        value if value is None or kind not in change else change[kind](value)
        for (_, kind), value in zip(sheet.columns, row, strict=True)
    ]
