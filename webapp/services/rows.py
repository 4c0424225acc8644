"""What a list shows of each case, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from webapp.extensions import db
from webapp.models import Exam, Image, Read, User
from webapp.services import findings
from webapp.services.findings import ImageState


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the list. `lead` is the image that speaks for it: the most suspicious one."""

    uid: str
    reference: str | None
    accession: str | None
    synthetic: bool
    created_at: datetime
    images: tuple[ImageState, ...]
    lead: ImageState | None
    readers: int
    read_by_me: bool

    @property
    def name(self) -> str:
        """What the case is called in a list: its reference, else its accession, else its first file."""
        return self.reference or self.accession or (self.images[0].filename if self.images else "Empty case")


def of_exams(user: User, exams: Sequence[Exam]) -> tuple[Row, ...]:
    """One row an exam, in the same order; `patient` of each should be loaded already."""
    ids = [exam.id for exam in exams]
    images, reads = findings.of_exams(ids), _reads(ids)
    return tuple(_row(exam, images[exam.id], reads.get(exam.id, set()), user.id) for exam in exams)


def _row(exam: Exam, images: list[ImageState], readers: set[int], me: int) -> Row:
    return Row(
        uid=exam.uid,
        reference=exam.patient.reference if exam.patient else None,
        accession=exam.accession,
        synthetic=exam.synthetic,
        created_at=exam.created_at,
        images=tuple(images),
        lead=lead(images),
        readers=len(readers),
        read_by_me=me in readers,
    )


def lead(images: Sequence[ImageState]) -> ImageState | None:
    """The image with the highest P(malignant) in scope; else one out of scope; else the first."""
    return max(images, key=_weight, default=None)


def _weight(image: ImageState) -> float:
    if image.finding is None:
        return -2.0
    return -1.0 if image.finding.out_of_scope else image.finding.malignant


def _reads(exam_ids: Sequence[int]) -> dict[int, set[int]]:
    """Who has read in each exam."""
    rows = db.session.execute(
        select(Image.exam_id, Read.reader_id)
        .join(Image, Image.id == Read.image_id)
        .where(Image.exam_id.in_(exam_ids))
        .group_by(Image.exam_id, Read.reader_id)
    )
    readers: dict[int, set[int]] = {}
    for exam_id, reader_id in rows:
        readers.setdefault(exam_id, set()).add(reader_id)
    return readers
