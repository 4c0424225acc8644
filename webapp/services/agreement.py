"""How far network, readers and outcome agree: counts, kappa, sensitivity and specificity with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

import ml
from webapp.extensions import db
from webapp.models import RESULTS, User
from webapp.services import agreement_counts
from webapp.services.agreement_counts import OUTCOMES, Counts, Table
from webapp.services.agreement_rows import CALLS, Scope


@dataclass(frozen=True, slots=True)
class Line:
    """A figure in words. `least`: the low end of its scale, -1 for kappa; the high end is 1."""

    words: str
    estimate: ml.agreement.Estimate
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts: how many rows of each answer of one side got each of the other."""

    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """Rows in all."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides: their matrix, and the figures that the rows can give."""

    matrix: Matrix
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """One answerer against the outcome. `sensitivity` and `specificity` are None without such scans."""

    name: str
    n: int
    patients: int
    sensitivity: ml.agreement.Estimate | None
    specificity: ml.agreement.Estimate | None
    kappa: ml.agreement.Estimate | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two readers' BI-RADS categories of the scans that both assessed."""

    names: tuple[str, str]
    same: ml.agreement.Estimate
    kappa: ml.agreement.Estimate | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows; a comparison is None where no row has both sides.

    `curve`: (1 - specificity, sensitivity) of the network's P(malignant) against the outcome. `at`: when
    it was counted; with very many cases that may be a minute ago.
    """

    scans: int
    reads: int
    with_outcome: int
    flagged: int
    calls: Comparison | None
    classes: Comparison | None
    network_truth: Comparison | None
    network: Against | None
    curve: tuple[tuple[float, float], ...]
    area: ml.agreement.Estimate | None
    readers_truth: Comparison | None
    readers: tuple[Against, ...]
    pairs: tuple[Pair, ...]
    at: datetime


def report(user: User, scope: Scope) -> Report:
    """The figures of the scope. Forbidden unless `user` is a radiologist or an admin."""
    found = agreement_counts.load(user, scope)
    points, area = ((), None) if found.scores is None else _curve(found.scores)
    return Report(
        scans=found.totals.scans,
        reads=found.totals.reads,
        with_outcome=found.totals.with_outcome,
        flagged=found.totals.flagged,
        calls=_comparison(_CALLS, found.calls),
        classes=_comparison(_CLASSES, found.classes),
        network_truth=_comparison(_NETWORK_TRUTH, found.network_classes),
        network=_against("The network", found.network_calls),
        curve=points,
        area=area,
        readers_truth=_comparison(_READERS_TRUTH, found.all_readers),
        readers=tuple(_readers(found)),
        pairs=tuple(_pairs(found)),
        at=found.at,
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """How a comparison is said: its two sides, their answers, and the words of its two figures."""

    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    same: str
    kappa: str


_CALLS = _Sides("network", "reader", CALLS, CALLS, "Same call", "Kappa of the call")
_CLASSES = _Sides("network", "reader", RESULTS, RESULTS, "Same class", "Kappa of the class")
_NETWORK_TRUTH = _Sides("outcome", "network", RESULTS, RESULTS, "Right class", "Kappa of the class")
_READERS_TRUTH = _Sides("outcome", "reader", OUTCOMES, CALLS, "Right call", "Kappa of the call")


def _comparison(sides: _Sides, table: Table | None) -> Comparison | None:
    if table is None:
        return None
    counts = table.counts.sum(axis=0).astype(int).tolist()
    matrix = Matrix(sides.down, sides.across, sides.rows, sides.columns, tuple(map(tuple, counts)))
    figures = ((sides.same, _same(table), 0.0), (sides.kappa, _kappa(table), -1.0))
    lines = (Line(words, found, least) for words, found, least in figures if found is not None)
    return Comparison(matrix, tuple(lines))


def _same(table: Table) -> ml.agreement.Estimate | None:
    """The share of rows in which both sides say the same."""
    along = table.counts.trace(axis1=1, axis2=2)
    return ml.agreement.share(along, table.counts.sum(axis=(1, 2)), table.patients)


def _kappa(table: Table, weighting: ml.agreement.Weighting = "none") -> ml.agreement.Estimate | None:
    return ml.agreement.agreement(table.counts, table.patients, weighting)


def _against(name: str, table: Table | None) -> Against | None:
    """Calls against the outcome: malignant is what should be called."""
    if table is None:
        return None
    of_side = table.counts.sum(axis=2)
    return Against(
        name=name,
        n=int(of_side.sum()),
        patients=table.patients,
        sensitivity=ml.agreement.share(table.counts[:, 0, 0], of_side[:, 0], table.of_side[0]),
        specificity=ml.agreement.share(table.counts[:, 1, 1], of_side[:, 1], table.of_side[1]),
        kappa=_kappa(table),
    )


def _readers(found: Counts) -> list[Against]:
    """Each reader by name, all of them together, and the network on the same scans."""
    names = _names(found.readers)
    rows = [_against(names[id_], found.readers[id_]) for id_ in sorted(names, key=lambda id_: names[id_])]
    if len(rows) > 1:
        rows.append(_against("All readers", found.all_readers))
    rows.append(_against("The network on the same scans", found.same_scans))
    return [one for one in rows if one is not None]


def _curve(scores: Table) -> tuple[tuple[tuple[float, float], ...], ml.agreement.Estimate | None]:
    of_steps = scores.counts[:, ::-1, :].transpose(0, 2, 1)  # (blocks, steps, negatives and positives)
    return ml.agreement.roc(of_steps, scores.patients)


def _pairs(found: Counts) -> list[Pair]:
    """Kappa is weighted by the distance of the categories."""
    names = _names({id_ for both in found.pairs for id_ in both})
    pairs = []
    for (one, other), table in found.pairs.items():
        same = _same(table)
        if same is not None:
            pairs.append(Pair((names[one], names[other]), same, _kappa(table, "linear")))
    return pairs


def _names(ids: Iterable[int]) -> dict[int, str]:
    wanted = select(User.id, User.name).where(User.id.in_(list(ids)))
    return {row.id: row.name for row in db.session.execute(wanted)}
