"""The history as CSV (RFC 4180): one line for each image and reader, an image without a read has one line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import defer, joinedload

from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, Read, User
from webapp.services import audit, findings, history
from webapp.services.filters import Filters
from webapp.services.findings import ImageState

CLASSES = ("benign", "malignant", "normal")
CASE = ("case", "reference", "accession", "synthetic", "uploaded_utc")
IMAGE = ("image", "file", "sha256", "frames", "state")
FIGURES = ("class", *(f"p_{label}" for label in CLASSES), "call", "threshold")
NETWORK = ("network", "network_version", "network_checksum", "analysed_utc")
ANALYSIS = ("analysed_frame", *FIGURES, "out_of_scope", "reason", *NETWORK)
SAID = ("agrees", "own_class", "birads", "confidence", "heatmap_on_lesion", "comment")
READ = ("reader", "read_version", "read_utc", *SAID)
HEADER = CASE + IMAGE + ANALYSIS + READ

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters, ASCII and full width, that make a spreadsheet take text for a formula (OWASP)."""


def csv_lines(user: User, filters: Filters) -> Iterator[str]:
    """The filtered history as CSV text, header first, in pieces of some hundred cases.

    It begins with a byte order mark, without which spreadsheets read UTF-8 as something else. Of each
    reader the newest version is given, of each image the analysis that leads. Needs the request's
    database session until the end.

    Without its entry in the audit log no list leaves the house: that is written first. It says which
    filters were set, but not what was searched for: that may be a patient.
    """
    audit.record_at_once("exported", user, "history", None, group=user.group_id, **_said(filters))
    return _pieces(user, filters)


def _said(filters: Filters) -> dict[str, Any]:
    """The filters that are set, fit to be kept."""
    said = {name: value for name, value in asdict(filters).items() if value}
    if filters.text:
        said["text"] = True
    return {name: _utc(value) if isinstance(value, datetime) else value for name, value in said.items()}


def _pieces(user: User, filters: Filters) -> Iterator[str]:
    yield "\ufeff" + lines([HEADER])
    for exams in history.everything(user, filters):
        yield lines(_of_exams(exams))
        db.session.expunge_all()  # what is written is not needed again: memory stays flat
        db.session.add(user)


def safe(value: object) -> object:
    """`value` for a cell: text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return "'" + value
    return value


def lines(rows: Iterable[Iterable[object]]) -> str:
    """`rows` as CSV text, each cell `safe`."""
    text = io.StringIO()
    csv.writer(text).writerows([safe(value) for value in row] for row in rows)
    return text.getvalue()


def _of_exams(exams: Sequence[Exam]) -> list[list[object]]:
    ids = [exam.id for exam in exams]
    states, reads = findings.of_exams(ids), _newest_reads(ids)
    leading = [state.finding.analysis_id for of in states.values() for state in of if state.finding]
    analyses, digests = _analyses(ids, set(leading)), _digests(ids)
    return [
        [*_case(exam), *_image(state, digests[state.id]), *_analysis(analyses.get(state.id)), *_read(read)]
        for exam in exams
        for state in states[exam.id]
        for read in reads.get(state.id, [None])
    ]


def _case(exam: Exam) -> list[object]:
    reference = exam.patient.reference if exam.patient else None
    return [exam.uid, reference, exam.accession, _yes(exam.synthetic), _utc(exam.created_at)]


def _image(state: ImageState, sha256: str) -> list[object]:
    return [state.uid, state.filename, sha256, state.frames, state.state]


def _analysis(analysis: Analysis | None) -> list[object]:
    """The figures of an image out of scope are not a read and are left out; the reason is given."""
    if analysis is None:
        return [None] * len(ANALYSIS)
    figures: list[object] = [None] * len(FIGURES)
    if not analysis.out_of_scope:
        known = analysis.probabilities  # of two classes, some networks'
        shares = [round(known[label], 4) if label in known else None for label in CLASSES]
        figures = [analysis.top_label, *shares, analysis.call, analysis.threshold]
    network = [analysis.network_name, analysis.network_version, analysis.network_checksum]
    scope = [_yes(analysis.out_of_scope), analysis.reason]
    return [analysis.frame + 1, *figures, *scope, *network, _utc(analysis.created_at)]


def _read(read: Read | None) -> list[object]:
    if read is None:
        return [None] * len(READ)
    agrees = None if read.agrees is None else _yes(read.agrees)
    said = [agrees, read.own_class, read.birads, read.confidence, read.heatmap_on_lesion, read.comment]
    return [read.reader.name, read.version, _utc(read.created_at), *said]


def _newest_reads(exam_ids: Sequence[int]) -> dict[int, list[Read | None]]:
    newest = (
        select(Read.image_id, Read.reader_id, func.max(Read.version).label("version"))
        .join(Image, Image.id == Read.image_id)
        .where(Image.exam_id.in_(exam_ids))
        .group_by(Read.image_id, Read.reader_id)
        .subquery()
    )
    same = (Read.image_id == newest.c.image_id) & (Read.reader_id == newest.c.reader_id)
    wanted = select(Read).join(newest, same & (Read.version == newest.c.version))
    wanted = wanted.options(joinedload(Read.reader)).order_by(Read.created_at, Read.id)
    found: dict[int, list[Read | None]] = {}
    for read in db.session.scalars(wanted):
        found.setdefault(read.image_id, []).append(read)
    return found


def _analyses(exam_ids: Sequence[int], leading: set[int]) -> dict[int, Analysis]:
    wanted = select(Analysis).join(Image, Image.id == Analysis.image_id).where(Image.exam_id.in_(exam_ids))
    wanted = wanted.options(defer(Analysis.heatmaps), defer(Analysis.timings))
    return {found.image_id: found for found in db.session.scalars(wanted) if found.id in leading}


def _digests(exam_ids: Sequence[int]) -> dict[int, str]:
    rows: Any = db.session.execute(select(Image.id, Image.sha256).where(Image.exam_id.in_(exam_ids)))
    return {row.id: row.sha256 for row in rows}


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
