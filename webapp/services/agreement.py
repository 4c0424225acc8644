"""How far network, readers and outcome agree: counts, kappa, sensitivity and specificity with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import ml
from webapp.models import RESULTS, User
from webapp.services.agreement_rows import Rows, Said, Scan, Scope, load

CALLS = ("suspicious", "not suspicious")
OUTCOMES = ("malignant", "not malignant")
BIRADS = ("1", "2", "3", "4", "5")
MOST_PAIRS = 20
"""Pairs of readers on the page, those with the most scans in common."""


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

    `curve`: (1 - specificity, sensitivity) of the network's P(malignant) against the outcome.
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


def report(user: User, scope: Scope) -> Report:
    """The figures of the scope. Forbidden unless `user` is a radiologist or an admin."""
    rows = load(user, scope)
    judged = [scan for scan in rows.scans if scan.truth is not None and scan.suspicious is not None]
    told = [said for said in rows.reads if said.scan.truth is not None and said.suspicious is not None]
    curve, area = _curve(judged)
    return Report(
        scans=len(rows.scans),
        reads=len(rows.reads),
        with_outcome=sum(scan.truth is not None for scan in rows.scans),
        flagged=rows.flagged,
        calls=_calls(rows),
        classes=_classes(rows),
        network_truth=_network_truth(judged),
        network=_against("The network", judged, [bool(scan.suspicious) for scan in judged]),
        curve=curve,
        area=area,
        readers_truth=_readers_truth(told),
        readers=tuple(_readers(told)),
        pairs=tuple(_pairs(rows.reads)),
    )


def _calls(rows: Rows) -> Comparison | None:
    """The network's call against the readers', a row a read."""
    both = [r for r in rows.reads if r.suspicious is not None and r.scan.suspicious is not None]
    first = [int(not said.scan.suspicious) for said in both]
    second = [int(not said.suspicious) for said in both]
    groups = [said.scan.patient for said in both]
    return _comparison(
        "network", "reader", (CALLS, CALLS), first, second, groups, "Same call", "Kappa of the call"
    )


def _classes(rows: Rows) -> Comparison | None:
    """The network's class against the readers', a row a read."""
    both = [r for r in rows.reads if r.label in RESULTS and r.scan.label in RESULTS]
    first = [RESULTS.index(str(said.scan.label)) for said in both]
    second = [RESULTS.index(str(said.label)) for said in both]
    groups = [said.scan.patient for said in both]
    return _comparison(
        "network", "reader", (RESULTS, RESULTS), first, second, groups, "Same class", "Kappa of the class"
    )


def _network_truth(judged: Sequence[Scan]) -> Comparison | None:
    """The outcome against the network's class, a row a scan."""
    both = [scan for scan in judged if scan.label in RESULTS]
    first = [RESULTS.index(str(scan.truth)) for scan in both]
    second = [RESULTS.index(str(scan.label)) for scan in both]
    groups = [scan.patient for scan in both]
    return _comparison(
        "outcome", "network", (RESULTS, RESULTS), first, second, groups, "Right class", "Kappa of the class"
    )


def _readers_truth(told: Sequence[Said]) -> Comparison | None:
    """The outcome, malignant or not, against the readers' call, a row a read."""
    first = [int(said.scan.truth != "malignant") for said in told]
    second = [int(not said.suspicious) for said in told]
    groups = [said.scan.patient for said in told]
    return _comparison(
        "outcome", "reader", (OUTCOMES, CALLS), first, second, groups, "Right call", "Kappa of the call"
    )


def _comparison(
    down: str,
    across: str,
    labels: tuple[tuple[str, ...], tuple[str, ...]],
    first: Sequence[int],
    second: Sequence[int],
    groups: Sequence[int],
    same: str,
    kappa: str,
) -> Comparison | None:
    if not first:
        return None
    counts = ml.agreement.counts(first, second, len(labels[0]))
    lines = []
    agreed = ml.agreement.share([one == other for one, other in zip(first, second, strict=True)], groups)
    if agreed is not None:
        lines.append(Line(same, agreed))
    chance_corrected = ml.agreement.agreement(first, second, groups, len(labels[0]))
    if chance_corrected is not None:
        lines.append(Line(kappa, chance_corrected, least=-1.0))
    return Comparison(Matrix(down, across, *labels, counts), tuple(lines))


def _against(name: str, scans: Sequence[Scan], called: Sequence[bool]) -> Against | None:
    """Calls against the outcome: malignant is what should be called."""
    if not scans:
        return None
    positive = [scan.truth == "malignant" for scan in scans]
    patients = [scan.patient for scan in scans]
    rows = list(zip(positive, called, patients, strict=True))
    ill = [(hit, patient) for so, hit, patient in rows if so]
    well = [(not hit, patient) for so, hit, patient in rows if not so]
    return Against(
        name=name,
        n=len(rows),
        patients=len(set(patients)),
        sensitivity=ml.agreement.share([hit for hit, _ in ill], [patient for _, patient in ill]),
        specificity=ml.agreement.share([hit for hit, _ in well], [patient for _, patient in well]),
        kappa=ml.agreement.agreement([int(p) for p in positive], [int(c) for c in called], patients, 2),
    )


def _readers(told: Sequence[Said]) -> list[Against]:
    """Each reader by name, all of them together, and the network on the same scans."""
    by_reader: dict[int, list[Said]] = {}
    for said in told:
        by_reader.setdefault(said.reader, []).append(said)
    found = [_of_reader(reads[0].name, reads) for reads in by_reader.values()]
    found.sort(key=lambda one: one.name if one else "")
    if len(found) > 1:
        found.append(_of_reader("All readers", told))
    same = list({said.scan.id: said.scan for said in told if said.scan.suspicious is not None}.values())
    found.append(_against("The network on the same scans", same, [bool(scan.suspicious) for scan in same]))
    return [one for one in found if one is not None]


def _of_reader(name: str, reads: Sequence[Said]) -> Against | None:
    return _against(name, [said.scan for said in reads], [bool(said.suspicious) for said in reads])


def _curve(
    judged: Sequence[Scan],
) -> tuple[tuple[tuple[float, float], ...], ml.agreement.Estimate | None]:
    positive = [scan.truth == "malignant" for scan in judged]
    scores = [scan.malignant or 0.0 for scan in judged]
    return ml.agreement.roc(positive, scores, [scan.patient for scan in judged])


def _pairs(reads: Sequence[Said]) -> list[Pair]:
    """Pairs of readers, those with the most scans in common first; kappa is weighted by the distance."""
    by_scan: dict[int, list[Said]] = {}
    for said in reads:
        if said.birads is not None:
            by_scan.setdefault(said.scan.id, []).append(said)
    common: dict[tuple[int, int], list[tuple[Said, Said]]] = {}
    for of_scan in by_scan.values():
        for one, other in combinations(sorted(of_scan, key=lambda said: said.reader), 2):
            common.setdefault((one.reader, other.reader), []).append((one, other))
    most = sorted(common.values(), key=len, reverse=True)[:MOST_PAIRS]
    return [pair for rows in most if (pair := _pair(rows)) is not None]


def _pair(rows: Sequence[tuple[Said, Said]]) -> Pair | None:
    first, second = ([(said.birads or 1) - 1 for said in side] for side in zip(*rows, strict=True))
    groups = [one.scan.patient for one, _ in rows]
    same = ml.agreement.share([a == b for a, b in zip(first, second, strict=True)], groups)
    if same is None:
        return None
    kappa = ml.agreement.agreement(first, second, groups, len(BIRADS), "linear")
    return Pair((rows[0][0].name, rows[0][1].name), same, kappa)
