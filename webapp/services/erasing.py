"""Erasing a case: its files, its pictures and its rows go; a tombstone with hashes and figures stays.

Whatever points to the case goes with it, found by the foreign keys themselves, so that a table made later
can't be forgotten. The rows and the tombstone are one commit; files are removed after it, and those that
could not be are noted in the tombstone and removed by `finish`, which the daily sweep calls too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table, select

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import (
    Analysis,
    Base,
    ErasedFile,
    Erasure,
    Exam,
    Image,
    Outcome,
    Patient,
    Read,
    User,
)
from webapp.services import audit, filing
from webapp.services.pictures import derived_keys
from webapp.services.storage import StorageError, storage


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go with a case. `last_touched`: when a file, read or outcome last came to it.

    `size_bytes`: of the files as received. `patient`: whether the patient's reference goes too, because
    this is the only case of it.
    """

    exam_uid: str
    group: str
    owner: str
    created_at: datetime
    last_touched: datetime
    synthetic: bool
    files: int
    size_bytes: int
    analyses: int
    reads: int
    outcomes: int
    patient: bool


def plan(exam_uid: str) -> Plan:
    """What would go with the case. NotFound where there is none."""
    return _plan(_exam(exam_uid))


def erase(exam_uid: str, how: Literal["hand", "policy"], author: User | None) -> Erasure:
    """Erase the case and record it. `author` is None where the policy does it.

    Raises:
        NotFound: there is no such case (any more).
    """
    filing.lock_group(_exam(exam_uid).group_id)  # no file joins the case meanwhile
    exam = _exam(exam_uid)
    said = _plan(exam)
    keys = [key for image in exam.images for key in (image.storage_key, *derived_keys(image))]
    stone = Erasure(
        exam_uid=exam.uid,
        group_id=exam.group_id,
        how=how,
        author_id=None if author is None else author.id,
        figures=[figures(image) for image in exam.images],
        left_over=keys,
        files=[
            ErasedFile(image_uid=image.uid, sha256=image.sha256, size_bytes=image.size_bytes)
            for image in exam.images
        ],
    )
    db.session.add(stone)
    _remove_rows(exam)
    counts = {"files": said.files, "reads": said.reads}
    audit.record("erased", author, "exam", said.exam_uid, case=said.exam_uid, how=how, **counts)
    db.session.commit()
    _remove_files(stone)
    return stone


def finish() -> int:
    """Remove the files that earlier erasures left over; returns how many. StorageError as ever."""
    stones = [stone for stone in db.session.scalars(select(Erasure)) if stone.left_over]
    return sum(_remove_files(stone) for stone in stones)


def figures(image: Image) -> dict[str, Any]:
    """What was measured on an image, without a word that somebody wrote and without a heatmap."""
    outcomes = db.session.scalars(select(Outcome).where(Outcome.exam_id == image.exam_id))
    return {
        "image_uid": image.uid,
        "analyses": [
            {
                "network": f"{a.network_name} {a.network_version}",
                "checksum": a.network_checksum,
                "frame": a.frame,
                "malignant": a.malignant,
                "top_label": a.top_label,
                "call": a.call,
                "out_of_scope": a.out_of_scope,
            }
            for a in image.analyses
        ],
        "reads": [
            {
                "reader_id": r.reader_id,
                "version": r.version,
                "agrees": r.agrees,
                "own_class": r.own_class,
                "birads": r.birads,
                "confidence": r.confidence,
            }
            for r in image.reads
        ],
        "outcomes": [
            {"laterality": o.laterality, "version": o.version, "method": o.method, "result": o.result}
            for o in outcomes
        ],
    }


def last_touched() -> ColumnElement[datetime]:
    """The expression for when a file, a read or an outcome last came to an exam."""
    moments = (
        select(sa.func.max(Image.created_at)).where(Image.exam_id == Exam.id),
        select(sa.func.max(Read.created_at)).join(Image).where(Image.exam_id == Exam.id),
        select(sa.func.max(Outcome.created_at)).where(Outcome.exam_id == Exam.id),
    )
    newest = cast(Any, Exam.created_at)
    for moment in moments:
        later = sa.func.coalesce(moment.correlate(Exam).scalar_subquery(), Exam.created_at)
        newest = sa.case((later > newest, later), else_=newest)
    return cast(ColumnElement[datetime], newest)


def _exam(uid: str) -> Exam:
    exam = db.session.scalar(select(Exam).where(Exam.uid == uid).execution_options(populate_existing=True))
    if exam is None:
        raise NotFound("There is no such case; it may have been erased already.")
    return exam


def _plan(exam: Exam) -> Plan:
    of_case = Image.exam_id == exam.id
    others = select(Exam.id).where(Exam.patient_id == exam.patient_id, Exam.id != exam.id)
    touched = db.session.scalar(select(last_touched()).select_from(Exam).where(Exam.id == exam.id))
    return Plan(
        exam_uid=exam.uid,
        group=exam.group.name,
        owner=exam.owner.name,
        created_at=exam.created_at,
        last_touched=touched or exam.created_at,
        synthetic=exam.synthetic,
        files=len(exam.images),
        size_bytes=sum(image.size_bytes for image in exam.images),
        analyses=_count(select(Analysis.id).join(Image, Analysis.image_id == Image.id).where(of_case)),
        reads=_count(select(Read.id).join(Image, Read.image_id == Image.id).where(of_case)),
        outcomes=_count(select(Outcome.id).where(Outcome.exam_id == exam.id)),
        patient=exam.patient_id is not None and db.session.scalar(others.limit(1)) is None,
    )


def _count(rows: sa.Select[Any]) -> int:
    return db.session.scalar(select(sa.func.count()).select_from(rows.subquery())) or 0


def _remove_rows(exam: Exam) -> None:
    """Delete the case and whatever points to it; the patient too, where no other case is left."""
    exam_id, patient_id = exam.id, exam.patient_id
    db.session.flush()
    db.session.expunge(exam)
    cases = cast(Table, Exam.__table__)
    for table, condition in [*_dependents(cases, cases.c.id == exam_id), (cases, cases.c.id == exam_id)]:
        db.session.execute(sa.delete(table).where(condition))
    alone = ~sa.exists().where(Exam.patient_id == patient_id)
    db.session.execute(
        sa.delete(Patient).where(Patient.id == patient_id, alone).execution_options(synchronize_session=False)
    )


def _dependents(
    table: Table, doomed: ColumnElement[bool], above: tuple[Table, ...] = ()
) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """(table, condition) of every row that points to a doomed one, those first that nothing points to."""
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table and other is not table and other not in above:
                condition = key.parent.in_(select(key.column).where(doomed))
                yield from _dependents(other, condition, (*above, table))
                yield other, condition


def _remove_files(stone: Erasure) -> int:
    """Remove what the tombstone still names. What the storage refuses now stays named, for `finish`."""
    keys = list(stone.left_over)
    rest = list(keys)
    try:
        for key in keys:
            storage().delete(key)
            rest.remove(key)
    except StorageError:
        pass
    stone.left_over = rest
    db.session.commit()
    return len(keys) - len(rest)
