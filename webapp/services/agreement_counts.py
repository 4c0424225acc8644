"""Every table that the agreement page is made of, counted by the database.

A table is counted by block of patients (`ml.agreement`); how many rows come back depends on how many blocks,
answers and readers there are, not on how many scans.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Engine,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from webapp.extensions import db
from webapp.models import RESULTS, Analysis, Erasure, Image, Outcome, Read, User, now
from webapp.services.agreement_rows import BLOCKS, CALLS, Scope, allowed, reads, scans

OUTCOMES = ("malignant", "not malignant")
BIRADS = ("1", "2", "3", "4", "5")
STEPS = 200
"""Of P(malignant) in the ROC curve: two scans within one step are ties."""
MOST_PAIRS = 20
"""Pairs of readers on the page, those with the most scans in common."""
LONG = 1.0
"""Seconds of counting from which on tables are shown that are not the newest."""
REST = 20
"""Times as long as it took to count them."""
OLDEST = 300.0
"""Seconds after which tables are counted anew although nothing seems to have changed."""
MOST_KEPT = 16
"""Scopes whose tables are kept, less than 1 MB each."""
_TOTALS = ("scans", "with_outcome", "flagged", "reads")
_SCORES = tuple(str(step) for step in range(STEPS + 1))
_NO_NUMBER, _NO_WORD = cast(null(), Integer), cast(null(), String)
_kept: WeakKeyDictionary[Engine, dict[Scope, _Kept]] = WeakKeyDictionary()

Who = tuple[Any, Any]
"""Ids of readers, None where there is none."""


@dataclass(frozen=True, slots=True)
class Table:
    """Counts float64 (`BLOCKS`, D, A): rows of each answer of one side (D) with each of the other (A).

    `patients`: how many there are in all; `of_side`: how many have rows of each answer of the first side, 0
    where nobody asks.
    """

    counts: NDArray[np.float64]
    patients: int
    of_side: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Scans with a read or an outcome, those with an outcome, those out of scope, and current reads."""

    scans: int
    with_outcome: int
    flagged: int
    reads: int


@dataclass(frozen=True, slots=True)
class Counts:
    """All of a scope; a table without a row is None, or not there.

    `calls`, `classes`: network down, readers across, a row a read. `network_calls`, `network_classes`,
    `scores`: outcome down, network across, a row a scan; `same_scans`: of those, the scans that were read.
    `all_readers`: outcome down, readers across, a row a read; `readers`: each of them, by id.
    `pairs`: BI-RADS categories of the scans that both readers (ids) assessed, the most scans first.
    `at`: when it was counted.
    """

    totals: Totals
    calls: Table | None
    classes: Table | None
    network_calls: Table | None
    network_classes: Table | None
    scores: Table | None
    same_scans: Table | None
    all_readers: Table | None
    readers: dict[int, Table]
    pairs: dict[tuple[int, int], Table]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was counted at `at` (seconds, monotonic) within `took` seconds, with the `_stamp` of before."""

    counts: Counts
    stamp: tuple[Any, ...]
    at: float
    took: float

    def holds(self, stamp: tuple[Any, ...]) -> bool:
        """Whether it may be shown. The same stamp is not believed for ever: on Postgres a row may be
        committed after one with a higher number."""
        age = time.monotonic() - self.at
        return age < OLDEST if stamp == self.stamp else self.took > LONG and age < REST * self.took


@dataclass(frozen=True, slots=True)
class _Figure:
    """Which rows of `source` to count, by which answers `down` and `across`, apart for each `who`.

    `sides`: whether patients are wanted by the first answer too, for sensitivity and specificity.
    """

    name: str
    source: CTE
    down: ColumnElement[Any]
    across: ColumnElement[Any]
    answers: tuple[Sequence[str], Sequence[str]]
    where: tuple[ColumnElement[bool], ...]
    sides: bool = False
    who: tuple[ColumnElement[int], ...] = ()

    def selects(self) -> Iterator[Select[Any]]:
        """Rows by both answers and block, and patients: (name, two of `who`, down, across, block, count)."""
        block, people = self.source.c.block, func.count(self.source.c.patient.distinct())
        yield self._select((self.down, self.across, block), func.count(), self.down, self.across, block)
        yield self._select((_NO_WORD, _NO_WORD, _NO_NUMBER), people)
        if self.sides:
            yield self._select((self.down, _NO_WORD, _NO_NUMBER), people, self.down)

    def _select(self, key: tuple[Any, ...], count: Any, *by: Any) -> Select[Any]:
        columns: list[Any] = [literal(self.name), *[*self.who, _NO_NUMBER, _NO_NUMBER][:2], *key, count]
        return select(*columns).select_from(self.source).where(*self.where).group_by(*self.who, *by)


def load(user: User, scope: Scope) -> Counts:
    """Every table of the scope. Forbidden as in `agreement_rows.allowed`.

    Counting reads every case, so the tables are kept in this process until a row is added or erased. Where
    counting takes long they are kept for `REST` times as long even then: it never fills a processor.
    """
    scope, seen = allowed(user, scope), _stamp()
    kept = _kept.setdefault(db.engine, {})
    known = kept.get(scope)
    if known is None or not known.holds(seen):
        if len(kept) == MOST_KEPT:
            kept.clear()
        began = time.monotonic()
        found = count(scope)
        known = kept[scope] = _Kept(found, seen, time.monotonic(), time.monotonic() - began)
    return known.counts


def _stamp() -> tuple[Any, ...]:
    """Changes with the tables: their rows are added or erased, never edited, so the highest numbers tell."""
    last = [
        select(func.max(model.id)).scalar_subquery() for model in (Image, Analysis, Read, Outcome, Erasure)
    ]
    return tuple(db.session.execute(select(*last)).one())


def count(scope: Scope) -> Counts:
    """Every table of an allowed scope, counted anew in one statement."""
    at, (figures, wanted) = now(), statement(scope)
    rows: dict[str, dict[Who, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name, first, second, *rest in db.session.execute(wanted):
        if rest[-1]:
            rows[name][first, second].append(rest)
    tables = {
        figure.name: {who: _table(of, *figure.answers) for who, of in rows[figure.name].items()}
        for figure in figures
    }
    alone = {figure.name: tables[figure.name].get((None, None)) for figure in figures if not figure.who}
    totals = {name: sum(row[-1] for row in rows[name][None, None]) for name in _TOTALS}
    readers = {who[0]: table for who, table in tables["readers"].items()}
    pairs = dict(sorted(tables["pairs"].items(), key=lambda item: (-item[1].counts.sum(), item[0])))
    return Counts(Totals(**totals), **alone, readers=readers, pairs=pairs, at=at)


def statement(scope: Scope) -> tuple[list[_Figure], CompoundSelect[Any]]:
    """The figures of an allowed scope, and what counts them; scans and reads are worked out once."""
    scan = scans(scope).cte("scan").prefix_with("MATERIALIZED")
    said = reads(scope, scan).cte("said").prefix_with("MATERIALIZED")
    figures = [*_of_calls_and_classes(said), *_of_scans(scan, said), *_of_readers(said), _of_pairs(said)]
    return figures, union_all(*(arm for figure in figures for arm in figure.selects()), *_totals(scan, said))


def _totals(scan: CTE, said: CTE) -> list[Select[Any]]:
    counts = (
        (func.count(), scan),
        (func.count(scan.c.truth), scan),
        (func.sum(scan.c.flagged), scan),
        (func.count(), said),
    )
    nothing = (_NO_NUMBER, _NO_NUMBER, _NO_WORD, _NO_WORD, _NO_NUMBER)
    return [
        select(literal(name), *nothing, count).select_from(of)
        for name, (count, of) in zip(_TOTALS, counts, strict=True)
    ]


def _of_calls_and_classes(said: CTE) -> list[_Figure]:
    called = (said.c.call.is_not(None), said.c.own_call.is_not(None))
    classed = (said.c.label.in_(RESULTS), said.c.own_label.in_(RESULTS))
    return [
        _Figure("calls", said, said.c.call, said.c.own_call, (CALLS, CALLS), called),
        _Figure("classes", said, said.c.label, said.c.own_label, (RESULTS, RESULTS), classed),
    ]


def _of_scans(scan: CTE, said: CTE) -> list[_Figure]:
    judged = (scan.c.truth.is_not(None), scan.c.call.is_not(None))
    classed = (*judged, scan.c.label.in_(RESULTS))
    was_read = scan.c.id.in_(select(said.c.id).where(*_told(said)))
    step = cast(cast(func.round(scan.c.malignant * STEPS), Integer), String)
    ill, call = _ill(scan), scan.c.call
    return [
        _Figure("network_calls", scan, ill, call, (OUTCOMES, CALLS), judged, sides=True),
        _Figure("network_classes", scan, scan.c.truth, scan.c.label, (RESULTS, RESULTS), classed),
        _Figure("scores", scan, ill, step, (OUTCOMES, _SCORES), judged),
        _Figure("same_scans", scan, ill, call, (OUTCOMES, CALLS), (*judged, was_read), sides=True),
    ]


def _of_readers(said: CTE) -> list[_Figure]:
    sides = (_ill(said), said.c.own_call, (OUTCOMES, CALLS), _told(said), True)
    return [
        _Figure("all_readers", said, *sides),
        _Figure("readers", said, *sides, who=(said.c.reader,)),
    ]


def _of_pairs(said: CTE) -> _Figure:
    one, other = said.alias("one"), said.alias("other")
    both = (one.c.id == other.c.id, one.c.reader < other.c.reader, one.c.birads.is_not(None))
    columns: list[ColumnElement[Any]] = [one.c.reader.label("first"), other.c.reader.label("second")]
    columns += [one.c.birads.label("down"), other.c.birads.label("across"), one.c.patient, one.c.block]
    pair = select(*columns).where(*both, other.c.birads.is_not(None)).cte("pair").prefix_with("MATERIALIZED")
    who = (pair.c.first, pair.c.second)
    most = select(*who).group_by(*who).order_by(func.count().desc(), *who).limit(MOST_PAIRS)
    ranked = tuple_(*who).in_(select(most.cte("most")))
    return _Figure("pairs", pair, pair.c.down, pair.c.across, (BIRADS, BIRADS), (ranked,), who=who)


def _told(said: CTE) -> tuple[ColumnElement[bool], ...]:
    return said.c.truth.is_not(None), said.c.own_call.is_not(None)


def _ill(source: CTE) -> ColumnElement[str]:
    return case((source.c.truth == "malignant", OUTCOMES[0]), else_=OUTCOMES[1])


def _table(rows: Iterable[Any], down: Sequence[str], across: Sequence[str]) -> Table:
    counts = np.zeros((BLOCKS, len(down), len(across)))
    patients, of_side = 0, [0] * len(down)
    for one, other, block, count in rows:
        if one is None:
            patients = count
        elif other is None:
            of_side[down.index(one)] = count
        else:
            counts[block, down.index(one), across.index(other)] = count
    return Table(counts, patients, tuple(of_side))
