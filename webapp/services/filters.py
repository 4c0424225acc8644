"""What a reader looks for in the history, and the SQL condition that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, exists, or_, select

from webapp.models import Analysis, Exam, Image, Job, Patient, Read

Result = Literal["suspicious", "not_suspicious", "out_of_scope", "waiting", "failed"]
Reading = Literal["read", "unread", "unread_by_me"]


@dataclass(frozen=True, slots=True)
class Filters:
    """All None or empty: every case. Otherwise the cases that meet all that is set.

    `text` is looked for anywhere in the patient reference, the accession number and the file names,
    whatever the capitals. `label` and `result` are met by a case where any of its images meets them.
    `since` and `until` are instants, half open. `reader` is the id of a user who has read in the case.
    """

    text: str = ""
    label: str | None = None
    result: Result | None = None
    since: datetime | None = None
    until: datetime | None = None
    reader: int | None = None
    reading: Reading | None = None


def conditions(filters: Filters, me: int) -> list[ColumnElement[bool]]:
    """The conditions on `Exam` that `filters` means for the user with id `me`."""
    found: list[ColumnElement[bool]] = []
    if filters.text:
        found.append(_text(filters.text))
    if filters.label:
        found.append(_analysed(Analysis.top_label == filters.label, Analysis.out_of_scope.is_(False)))
    if filters.result:
        found.append(_result(filters.result))
    if filters.since:
        found.append(Exam.created_at >= filters.since)
    if filters.until:
        found.append(Exam.created_at < filters.until)
    if filters.reader:
        found.append(_read(Read.reader_id == filters.reader))
    if filters.reading:
        found.append(_reading(filters.reading, me))
    return found


def _text(text: str) -> ColumnElement[bool]:
    """Each as a set of ids, so that the tables are gone through once and not once a case."""
    patients = select(Patient.id).where(Patient.reference.icontains(text, autoescape=True))
    files = select(Image.exam_id).where(Image.filename.icontains(text, autoescape=True))
    return or_(
        Exam.accession.icontains(text, autoescape=True), Exam.patient_id.in_(patients), Exam.id.in_(files)
    )


def _result(result: Result) -> ColumnElement[bool]:
    if result == "waiting":
        return _job(Job.state.in_(("queued", "running")))
    if result == "failed":
        return _job(Job.state == "failed")
    if result == "out_of_scope":
        return _analysed(Analysis.out_of_scope.is_(True))
    return _analysed(Analysis.call == result, Analysis.out_of_scope.is_(False))


def _reading(reading: Reading, me: int) -> ColumnElement[bool]:
    if reading == "read":
        return _read()
    return ~_read() if reading == "unread" else ~_read(Read.reader_id == me)


def _analysed(*what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Image.exam_id == Exam.id, Analysis.image_id == Image.id, *what).correlate(Exam)


def _job(*what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Image.exam_id == Exam.id, Job.image_id == Image.id, *what).correlate(Exam)


def _read(*what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Image.exam_id == Exam.id, Read.image_id == Image.id, *what).correlate(Exam)
