"""The history: every case that a person may see, newest first, a page at a time.

Pages are found by key, not by count (`places`), so that page 1,000 costs what page 1 costs, and a case that
comes in meanwhile moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.extensions import db
from webapp.models import Exam, User
from webapp.permissions import visible_exams
from webapp.services import places, rows
from webapp.services.filters import Filters
from webapp.services.places import Cursor

__all__ = ["PAGE", "Cursor", "Page", "everything", "neighbours", "page", "readers"]

PAGE = 50


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
    found = places.find(
        user, filters, size + 1, after=after, before=before
    )  # one more: is there a next page?
    if before is not None and len(found) <= size:  # the top is reached: show a full first page
        return page(user, filters, size=size)
    shown = found[:size] if before is None else found[:size][::-1]
    newer = shown[0] if shown and (after or before) else None
    older = shown[-1] if before is not None or len(found) > size else None
    return Page(rows.of_exams(user, _exams(user, shown)), newer, older)


def neighbours(user: User, filters: Filters, exam: Exam) -> tuple[str | None, str | None]:
    """The uids of the next newer and the next older case of the filtered history around `exam`."""
    here = Cursor(exam.created_at, exam.id)
    newer = _exams(user, places.find(user, filters, 1, before=here))
    older = _exams(user, places.find(user, filters, 1, after=here))
    return (newer[0].uid if newer else None), (older[0].uid if older else None)


def everything(user: User, filters: Filters, size: int = 500) -> Iterator[Sequence[Exam]]:
    """All cases of the filtered history, newest first, in batches of `size` that share one session."""
    after: Cursor | None = None
    while found := places.find(user, filters, size, after=after):
        yield _exams(user, found)
        after = found[-1]


def readers(user: User) -> list[tuple[int, str]]:
    """Who may have read in the cases that `user` sees: (id, name), by name."""
    people = select(User.id, User.name).where(User.group_id == user.group_id).order_by(User.name, User.id)
    return [(row.id, row.name) for row in db.session.execute(people)]


def _exams(user: User, found: Sequence[Cursor]) -> list[Exam]:
    """The cases at these places, in their order; what `user` may not see is left out here too."""
    ids = [place.id for place in found]
    wanted = visible_exams(user).where(Exam.id.in_(ids)).options(joinedload(Exam.patient))
    exams = {exam.id: exam for exam in db.session.scalars(wanted)}
    return [exams[id_] for id_ in ids if id_ in exams]
