"""Where cases stand in the filtered history: found by an index, whatever the filter.

What a person may see comes in parts (`permissions.visible_parts`); each is asked by itself, and the answers
are merged. Within a whole group the index of `ExamWord` gives the cases under a mark in the order of the
history. The beginning of a word covers many words, each in an order of its own: where they are few they are
sorted; where they are many the newest cases are looked at first, for most likely enough of them match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select, tuple_
from sqlalchemy.orm import aliased

from webapp.errors import BadRequest
from webapp.extensions import db
from webapp.models import Exam, ExamWord, User, UTCDateTime
from webapp.permissions import Part, visible_parts
from webapp.services import filters as filtering
from webapp.services.filters import Filters, Wanted

RECENT = 500
"""Cases that a search for a common term looks at one by one before it sorts all that match."""
RARE = 1000
"""Fewer words than this are sorted without ado."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SIGN = chr(0x10FFFF)


@dataclass(frozen=True, slots=True, order=True)
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
class _Span:
    """Which stretch of the history is wanted, how many places of it at most, and from which end."""

    since: datetime | None
    until: datetime | None
    after: Cursor | None
    before: Cursor | None
    size: int
    end: Cursor | None = None
    """Where to stop looking, in the order of looking."""

    def cut(
        self, wanted: Select[datetime, int], created_at: Any, id_: Any, limit: int | None = None
    ) -> Select[datetime, int]:
        """`wanted`, which gives places by these columns, within this stretch and in its order."""
        place = tuple_(created_at, id_)
        if self.since:
            wanted = wanted.where(created_at >= self.since)
        if self.until:
            wanted = wanted.where(created_at < self.until)
        if self.after:
            wanted = wanted.where(place < _bound(self.after))
        if self.end:
            end = _bound(self.end)
            wanted = wanted.where(place < end if self.before else place > end)
        if self.before:
            wanted = wanted.where(place > _bound(self.before)).order_by(created_at, id_)
        else:
            wanted = wanted.order_by(created_at.desc(), id_.desc())
        return wanted.limit(limit or self.size)


def find(
    user: User, filters: Filters, size: int, *, after: Cursor | None = None, before: Cursor | None = None
) -> list[Cursor]:
    """Places of the filtered history, `size` at most: those behind `after`, the newest first, or those in
    front of `before`, the nearest first; the newest of all where neither is given."""
    wanted = filtering.wanted(filters, user.id)
    if wanted.nothing:
        return []
    span = _Span(filters.since, filters.until, after, before, size)
    found = {place for part in visible_parts(user) for place in _in_part(part, wanted, span)}
    return sorted(found, reverse=before is None)[:size]


def _in_part(part: Part, wanted: Wanted, span: _Span) -> list[Cursor]:
    if part.whole_group is None or not (wanted.marks or wanted.terms):
        return _places(_each(part, wanted, span))
    if wanted.terms and _is_rare(part.whole_group, wanted.terms[0]):
        return _begun(part.whole_group, wanted, span)
    if wanted.marks:
        return _places(_marked(part.whole_group, wanted, span))
    recent = _places(_each(part, wanted, _recent(part, span)))
    return recent if len(recent) == span.size else _begun(part.whole_group, wanted, span)


def _each(part: Part, wanted: Wanted, span: _Span) -> Select[datetime, int]:
    """The places that match, case by case."""
    every = select(Exam.created_at, Exam.id).where(part.condition, *_meets(Exam.id, wanted))
    return span.cut(every, Exam.created_at, Exam.id)


def _recent(part: Part, span: _Span) -> _Span:
    """The first `RECENT` cases of `span`."""
    every = select(Exam.created_at, Exam.id).where(part.condition)
    last = _places(span.cut(every, Exam.created_at, Exam.id, limit=1).offset(RECENT))
    if not last:
        return span
    return replace(span, end=last[0])


def _marked(group_id: int, wanted: Wanted, span: _Span) -> Select[datetime, int]:
    """The places under the rarest mark, along the index, that meet the rest too."""
    word, (mark, *marks) = ExamWord, wanted.marks
    rest = _meets(word.exam_id, replace(wanted, marks=tuple(marks)))
    under = select(word.created_at, word.exam_id).where(word.group_id == group_id, word.word == mark, *rest)
    return span.cut(under, word.created_at, word.exam_id)


def _is_rare(group_id: int, term: str) -> bool:
    """Whether so few words begin with `term` that sorting them costs nothing."""
    some = select(ExamWord.exam_id).where(ExamWord.group_id == group_id, *_begins(ExamWord.word, term))
    return (db.session.scalar(select(func.count()).select_from(some.limit(RARE).subquery())) or 0) < RARE


def _begun(group_id: int, wanted: Wanted, span: _Span) -> list[Cursor]:
    """The places under words that begin with the longest term, sorted, that meet the rest too. A case comes
    once for each such word: where that leaves too few of them, more are asked for."""
    word, (term, *terms) = ExamWord, wanted.terms
    rest = _meets(word.exam_id, replace(wanted, terms=tuple(terms)))
    begun = select(word.created_at, word.exam_id).where(word.group_id == group_id, *_begins(word.word, term))
    limit = span.size * 2
    while True:
        found = _places(span.cut(begun.where(*rest), word.created_at, word.exam_id, limit=limit))
        places = list(dict.fromkeys(found))[: span.size]
        if len(places) == span.size or len(found) < limit:
            return places
        limit *= 8


def _meets(exam_id: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    """That the case stands under every word that is wanted, asked of its own few words."""
    word = aliased(ExamWord)
    said: list[ColumnElement[bool]] = [
        exists().where(word.exam_id == exam_id, word.word == mark) for mark in wanted.marks
    ]
    said += [exists().where(word.exam_id == exam_id, *_begins(word.word, term)) for term in wanted.terms]
    if wanted.unless:
        said.append(~exists().where(word.exam_id == exam_id, word.word == wanted.unless))
    return said


def _begins(column: Any, term: str) -> tuple[ColumnElement[bool], ...]:
    return column >= term, column < term + _LAST_SIGN


def _bound(cursor: Cursor) -> ColumnElement[Any]:
    return tuple_(literal(cursor.created_at, UTCDateTime), literal(cursor.id))


def _places(wanted: Select[datetime, int]) -> list[Cursor]:
    return [Cursor(created_at, id_) for created_at, id_ in db.session.execute(wanted)]
