"""The history: every case that a person may see, newest first, a page at a time.

Pages are found by key, not by count: a cursor is the (created_at, id) of a row, so that page 1,000
costs what page 1 costs, and a case that comes in meanwhile moves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import joinedload

from webapp.errors import BadRequest
from webapp.extensions import db
from webapp.models import Exam, User, UTCDateTime
from webapp.permissions import roles_of, visible_exams
from webapp.services import rows
from webapp.services.filters import Filters, conditions

PAGE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a case in the order of the history. In an address: microseconds since 1970, dash, id."""

    created_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.created_at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that `str` wrote. Raises BadRequest for anything else."""
        if not re.fullmatch(r"[0-9]{1,17}-[0-9]{1,18}", text):
            raise BadRequest("This address of a page of the history is damaged. Start from its first page.")
        microseconds, id_ = text.split("-")
        return cls(_EPOCH + timedelta(microseconds=int(microseconds)), int(id_))


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the cursors of the pages beside it, None where there is none."""

    rows: tuple[rows.Row, ...]
    newer: Cursor | None
    older: Cursor | None


def page(
    user: User,
    filters: Filters,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    size: int = PAGE,
) -> Page:
    """The `size` cases that follow the cursor `after`, or that precede `before`; the newest where neither."""
    if before is not None:
        exams = _fetch(_selected(user, filters).where(_place() > _bound(before)), size, oldest_first=True)
        if len(exams) <= size:  # the top is reached: show a full first page
            return page(user, filters, size=size)
        exams = exams[:size][::-1]
        return Page(rows.of_exams(user, exams), _cursor(exams[0]), _cursor(exams[-1]))
    wanted = _selected(user, filters)
    exams = _fetch(wanted if after is None else wanted.where(_place() < _bound(after)), size)
    more, exams = len(exams) > size, exams[:size]
    newer = _cursor(exams[0]) if after is not None and exams else None
    return Page(rows.of_exams(user, exams), newer, _cursor(exams[-1]) if more else None)


def neighbours(user: User, filters: Filters, exam: Exam) -> tuple[str | None, str | None]:
    """The uids of the next newer and the next older case of the filtered history around `exam`."""
    here = _bound(Cursor(exam.created_at, exam.id))
    newer = _fetch(_selected(user, filters).where(_place() > here), 0, oldest_first=True)
    older = _fetch(_selected(user, filters).where(_place() < here), 0)
    return (newer[0].uid if newer else None), (older[0].uid if older else None)


def everything(user: User, filters: Filters, size: int = 500) -> Iterator[Sequence[Exam]]:
    """All cases of the filtered history, newest first, in batches of `size` that share one session."""
    after: Cursor | None = None
    while True:
        wanted = _selected(user, filters)
        exams = _fetch(wanted if after is None else wanted.where(_place() < _bound(after)), size)
        if exams[:size]:
            yield exams[:size]
        if len(exams) <= size:
            return
        after = _cursor(exams[size - 1])


def readers(user: User) -> list[tuple[int, str]]:
    """Who may have read in the cases that `user` sees: (id, name), by name."""
    people = select(User.id, User.name).order_by(User.name, User.id)
    if "admin" not in roles_of(user):
        people = people.where(User.group_id == user.group_id)
    return [(row.id, row.name) for row in db.session.execute(people)]


def _selected(user: User, filters: Filters) -> Select[Exam]:
    return visible_exams(user).where(*conditions(filters, user.id)).options(joinedload(Exam.patient))


def _fetch(wanted: Select[Exam], size: int, *, oldest_first: bool = False) -> Sequence[Exam]:
    """`size` exams and one more, which says that there is another page."""
    order = (Exam.created_at, Exam.id) if oldest_first else (Exam.created_at.desc(), Exam.id.desc())
    return db.session.scalars(wanted.order_by(*order).limit(size + 1)).all()


def _place() -> ColumnElement[Any]:
    return tuple_(Exam.created_at, Exam.id)


def _bound(cursor: Cursor) -> ColumnElement[Any]:
    return tuple_(literal(cursor.created_at, UTCDateTime), literal(cursor.id))


def _cursor(exam: Exam) -> Cursor:
    return Cursor(exam.created_at, exam.id)
