"""Which case a file belongs to, and the rows that say so.

A file with an accession number joins the case of that accession; else one with a DICOM study joins the
case of that study; else, with a patient reference, one case for each upload batch; else its own case.
Never a case of another patient, and never a synthetic one with a real one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, or_, select, true, update

import ml
from webapp.extensions import db
from webapp.models import ErasedFile, Erasure, Exam, Group, Image, Job, Patient, User, new_uid
from webapp.permissions import visible_exams, visible_images
from webapp.services import audit
from webapp.services.names import clean_text

_BATCH = UUID("5ec0d7ea-d000-4b1d-8a5e-ba7c4ba7c400")
"""Namespace of our own, so that the same batch and patient give the same case (RFC 9562, version 5)."""
_SHORT = 64


@dataclass(frozen=True, slots=True)
class Fields:
    """What is said of an upload: by the form, else by its DICOM header. `laterality` is L, R or B."""

    patient_reference: str | None = None
    accession: str | None = None
    laterality: str | None = None
    view: str | None = None
    note: str = ""
    batch: str = ""
    study_uid: str | None = None
    synthetic: bool = False

    def filled_from(self, facts: ml.DicomFacts | None) -> Fields:
        """These fields, the empty ones taken from a DICOM header."""
        if facts is None:
            return self
        return replace(
            self,
            patient_reference=self.patient_reference or clean_text(facts.patient_id, _SHORT),
            accession=self.accession or clean_text(facts.accession, _SHORT),
            laterality=self.laterality or facts.laterality,
            view=self.view or clean_text(facts.view, _SHORT),
            study_uid=self.study_uid or clean_text(facts.study_uid, _SHORT),
        )


@dataclass(frozen=True, slots=True)
class Received:
    """A file whose bytes are safe in the storage, and what is known of it."""

    filename: str
    storage_key: str
    sha256: str
    size_bytes: int
    info: ml.ScanInfo


def find_seen(user: User, sha256: str) -> Image | None:
    """The first image with these bytes among the cases of the group that `user` may see."""
    seen = visible_images(user).where(Image.sha256 == sha256, Exam.group_id == user.group_id)
    return db.session.scalar(seen.order_by(Image.id).limit(1))


def find_erased(group_id: int, sha256: str) -> Erasure | None:
    """The newest erasure in this group that a file with these bytes went with."""
    wanted = select(Erasure).join(ErasedFile).where(ErasedFile.sha256 == sha256, Erasure.group_id == group_id)
    return db.session.scalar(wanted.order_by(Erasure.id.desc()).limit(1))


def record(user: User, received: Received, fields: Fields) -> tuple[Image, bool]:
    """Write the rows of a file (patient and case where new, image, job) in one commit.

    Returns the image and True, or, where the same bytes came in meanwhile, the earlier one and False.
    """
    lock_group(user.group_id)
    earlier = find_seen(user, received.sha256)
    if earlier is not None:
        db.session.rollback()
        return earlier, False
    known = fields.filled_from(received.info.dicom)
    image = _new_image(user, _case(user, known), received, known)
    db.session.add(Job(image=image, frame=0))
    db.session.flush()
    audit.record("uploaded", user, "image", image.uid, case=image.exam.uid, **_facts(image))
    db.session.commit()
    return image, True


def _facts(image: Image) -> dict[str, object]:
    """What the audit log keeps of a file: which bytes they were and what they were found to be."""
    found = {"format": image.format, "width": image.width, "height": image.height, "frames": image.frames}
    return {"sha256": image.sha256, "size_bytes": image.size_bytes, **found}


def lock_group(group_id: int) -> None:
    """One filing at a time in a group. A write locks its row on Postgres and the file on SQLite, where
    SELECT ... FOR UPDATE would do nothing."""
    db.session.execute(update(Group).where(Group.id == group_id).values(name=Group.name))


def _case(user: User, known: Fields) -> Exam:
    patient = _patient(user.group_id, known.patient_reference)
    uid, identity = _identity(user, patient, known)
    exam = db.session.scalar(
        visible_exams(user)
        .where(identity, Exam.group_id == user.group_id, Exam.synthetic == known.synthetic)
        .where(or_(Exam.patient_id.is_(None), Exam.patient_id == patient.id) if patient else true())
        .order_by(Exam.id)
        .limit(1)
    )
    if exam is None:
        exam = Exam(uid=uid, group_id=user.group_id, owner=user, note="", synthetic=known.synthetic)
        db.session.add(exam)
    return _complete(exam, patient, known)


def _identity(user: User, patient: Patient | None, known: Fields) -> tuple[str, ColumnElement[bool]]:
    """The identifier of a new case, and the condition by which an earlier one is the same."""
    if known.accession:
        return new_uid(), Exam.accession == known.accession
    if known.study_uid:
        return new_uid(), Exam.study_uid == known.study_uid
    if patient is not None and known.batch:
        uid = uuid5(_BATCH, f"{user.id}/{patient.uid}/{known.batch}").hex
    else:
        uid = new_uid()
    return uid, Exam.uid == uid


def _complete(exam: Exam, patient: Patient | None, known: Fields) -> Exam:
    """Add to a case what it did not know; what it knows is not overwritten."""
    exam.patient = exam.patient or patient
    exam.accession = exam.accession or known.accession
    exam.study_uid = exam.study_uid or known.study_uid
    if known.note and known.note not in exam.note:
        exam.note = f"{exam.note}\n{known.note}".strip()
    db.session.flush()
    return exam


def _patient(group_id: int, reference: str | None) -> Patient | None:
    if reference is None:
        return None
    known = select(Patient).where(Patient.group_id == group_id, Patient.reference == reference)
    patient = db.session.scalar(known)
    if patient is None:
        patient = Patient(group_id=group_id, reference=reference)
        db.session.add(patient)
        db.session.flush()
    return patient


def _new_image(user: User, exam: Exam, received: Received, known: Fields) -> Image:
    info = received.info
    last = db.session.scalar(select(func.max(Image.position)).where(Image.exam_id == exam.id))
    row_mm, column_mm = info.spacing_mm or (None, None)
    image = Image(
        exam=exam,
        position=0 if last is None else last + 1,
        sha256=received.sha256,
        storage_key=received.storage_key,
        filename=received.filename,
        size_bytes=received.size_bytes,
        format=info.format,
        width=info.width,
        height=info.height,
        frames=info.frames,
        spacing_row_mm=row_mm,
        spacing_col_mm=column_mm,
        regions=[asdict(region) for region in info.regions],
        modality=clean_text(info.dicom.modality, 16) if info.dicom else None,
        laterality=known.laterality,
        view=known.view,
        uploader=user,
    )
    db.session.add(image)
    return image
