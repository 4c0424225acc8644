"""The audit log as an admin reads it: newest first, filtered, a page at a time, by key.

The order is that of the time and, in one instant, of the number. Each filter has its index, with the time
behind it, so that no page costs more because the log is long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, RowMapping, Select, Table, func, literal, select, tuple_

from webapp.extensions import db
from webapp.models import AuditEntry, User, UTCDateTime
from webapp.services.history import Cursor

PAGE = 50
BATCH = 1000
ENTRIES = cast(Table, AuditEntry.__table__)
_AT, _ID = ENTRIES.c.at, ENTRIES.c.id


@dataclass(frozen=True, slots=True)
class LogFilters:
    """All empty: every entry. Otherwise the entries that meet all that is set.

    `person` is the id of a user, or 0 for the server itself and whoever was not signed in. `since` and
    `until` are instants, half open. `case` is the uid of a case; `on_cases`: only acts on any case.
    `network` is the checksum of weights: of the act `analysed`, whose entries name them. It has no index of
    its own, so it belongs beside that act.
    """

    person: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    case: str | None = None
    network: str | None = None
    on_cases: bool = False

    def said(self) -> dict[str, Any]:
        """What is set, fit to be kept in the log itself."""
        days = {"since": self.since, "until": self.until}
        kept: dict[str, Any] = {"person": self.person, "act": self.action, "case": self.case}
        kept["checksum"] = self.network
        kept |= {name: at and at.astimezone(UTC).isoformat(timespec="seconds") for name, at in days.items()}
        return {name: value for name, value in kept.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with names in place of numbers. `who` is None where nobody was signed in; `about` is the
    name of the person whom the act was on, where it was on one."""

    number: int
    at: datetime
    actor_id: int | None
    who: str | None
    action: str
    object_type: str
    object_uid: str | None
    about: str | None
    case_uid: str | None
    detail: dict[str, Any]
    remote_addr: str | None
    entry_hash: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines, and the cursors of the pages beside it, None where there is none."""

    lines: tuple[Line, ...]
    newer: Cursor | None
    older: Cursor | None


def page(
    filters: LogFilters, *, after: Cursor | None = None, before: Cursor | None = None, size: int = PAGE
) -> LogPage:
    """The `size` entries that follow the cursor `after`, or precede `before`; the newest where neither."""
    if before is not None:
        rows = _fetch(_selected(filters).where(_place() > _bound(before)).order_by(_AT, _ID), size)
        if len(rows) <= size:  # the top is reached: show a full first page
            return page(filters, size=size)
        rows = rows[:size][::-1]
        return LogPage(lines(rows), cursor(rows[0]), cursor(rows[-1]))
    rows = _fetch(newest_first(filters, after), size)
    more, rows = len(rows) > size, rows[:size]
    newer = cursor(rows[0]) if after is not None and rows else None
    return LogPage(lines(rows), newer, cursor(rows[-1]) if more else None)


def newest_first(filters: LogFilters, after: Cursor | None = None) -> Select[Any]:
    """The filtered entries behind `after`, in the order of the pages."""
    wanted = _selected(filters).order_by(_AT.desc(), _ID.desc())
    return wanted if after is None else wanted.where(_place() < _bound(after))


def oldest_first(filters: LogFilters, after: Cursor | None = None) -> Select[Any]:
    """The filtered entries behind `after`, in the order in which they were written."""
    wanted = _selected(filters).order_by(_AT, _ID)
    return wanted if after is None else wanted.where(_place() > _bound(after))


def everything(filters: LogFilters) -> Iterator[Sequence[RowMapping]]:
    """The filtered entries that are there now, the oldest first, in batches: flat memory, no long
    transaction, and a connection of its own, so that the request's session is not needed."""
    with db.engine.connect() as connection:
        last = connection.scalar(select(func.max(_ID))) or 0
        after: Cursor | None = None
        while True:
            wanted = oldest_first(filters, after).where(ENTRIES.c.id <= last)
            rows = connection.execute(wanted.limit(BATCH)).mappings().all()
            connection.rollback()
            if rows:
                yield rows
            if len(rows) < BATCH:
                return
            after = cursor(rows[-1])


def lines(rows: Sequence[RowMapping]) -> tuple[Line, ...]:
    """The rows with the names of their people."""
    wanted = {row["actor_id"] for row in rows} | {_person_of(row) for row in rows}
    known = names(wanted - {None})
    return tuple(line(row, known) for row in rows)


def line(row: RowMapping, known: dict[int, str]) -> Line:
    """One row as a line; `known` maps ids of people to names."""
    actor, person = row["actor_id"], _person_of(row)
    return Line(
        number=row["id"],
        at=row["at"],
        actor_id=actor,
        who=None if actor is None else known.get(actor, f"person {actor}"),
        action=row["action"],
        object_type=row["object_type"],
        object_uid=row["object_uid"],
        about=None if person is None or person == actor else known.get(person),
        case_uid=row["case_uid"],
        detail=row["detail"],
        remote_addr=row["remote_addr"],
        entry_hash=row["entry_hash"],
    )


def names(ids: set[Any] | None = None) -> dict[int, str]:
    """Id -> name of these people; of everybody, by name, where None."""
    people = select(User.id, User.name).order_by(User.name, User.id)
    if ids is not None:
        people = people.where(User.id.in_(ids))
    return {row.id: row.name for row in db.session.execute(people)}


def cursor(row: RowMapping) -> Cursor:
    """The place of a row in the order."""
    return Cursor(row["at"], row["id"])


def _person_of(row: RowMapping) -> int | None:
    uid = row["object_uid"] if row["object_type"] == "user" else None
    return int(uid) if uid and uid.isdigit() else None


def _fetch(wanted: Select[Any], size: int) -> Sequence[RowMapping]:
    """`size` rows and one more, which says that there is another page."""
    return db.session.execute(wanted.limit(size + 1)).mappings().all()


def _selected(filters: LogFilters) -> Select[Any]:
    return select(ENTRIES).where(*_conditions(filters))


def _conditions(filters: LogFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.person is not None:
        column = ENTRIES.c.actor_id
        found.append(column == filters.person if filters.person else column.is_(None))
    if filters.action is not None:
        found.append(ENTRIES.c.action == filters.action)
    if filters.since is not None:
        found.append(filters.since <= _AT)
    if filters.until is not None:
        found.append(filters.until > _AT)
    if filters.network is not None:  # the entries of analyses name the weights
        found.append(ENTRIES.c.detail["checksum"].as_string() == filters.network)
    if filters.case is not None:
        found.append(ENTRIES.c.case_uid == filters.case)
    elif filters.on_cases:
        found.append(ENTRIES.c.case_uid.is_not(None))
    return found


def _place() -> ColumnElement[Any]:
    return tuple_(_AT, _ID)


def _bound(at: Cursor) -> ColumnElement[Any]:
    return tuple_(literal(at.created_at, UTCDateTime), literal(at.id))
