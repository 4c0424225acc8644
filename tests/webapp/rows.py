"""Rows for tests that need a filled database."""

from __future__ import annotations

from webapp.extensions import db
from webapp.models import Analysis, AuditEntry, Exam, Group, Image, Job, Patient, Read, Role, User, Worker


def add_exam(owner: User, **more: object) -> Exam:
    """A case of `owner` in the owner's group. The caller commits."""
    exam = Exam(group_id=owner.group_id, owner_id=owner.id, **more)
    db.session.add(exam)
    db.session.flush()
    return exam


def add_image(exam: Exam, position: int = 0, **more: object) -> Image:
    """An image of `exam`, with columns but no file. The caller commits."""
    facts = {"sha256": "0" * 64, "storage_key": f"{exam.uid}-{position}", "filename": "scan.png"}
    size = {"size_bytes": 1000, "format": "png", "width": 64, "height": 48}
    image = Image(exam_id=exam.id, uploader_id=exam.owner_id, position=position, **{**facts, **size, **more})
    db.session.add(image)
    db.session.flush()
    return image


def add_analysis(image: Image, **more: object) -> Analysis:
    """A finished job and its analysis of frame 0 of `image`. The caller commits."""
    job = Job(image_id=image.id, state="done", attempt=1, progress=100)
    db.session.add(job)
    db.session.flush()
    network = {"network_name": "tiny", "network_version": "1", "network_checksum": "a" * 64}
    answer = {
        "probabilities": {"normal": 0.5, "benign": 0.3, "malignant": 0.2},
        "call": "suspicious",
        "threshold": 0.15,
        "malignant": 0.2,
        "top_label": "normal",
        "heatmaps": {},
    }
    analysis = Analysis(image_id=image.id, job_id=job.id, **{**network, **answer, **more})
    db.session.add(analysis)
    db.session.flush()
    return analysis


def add_one_of_each() -> None:
    """One row in every table, committed."""
    user = User(
        email="a@b.example", password="x", fs_uniquifier="u", name="A", group=Group(name="G"),
        roles=[Role(name="radiologist", permissions=["look"])],
    )  # fmt: skip
    db.session.add_all([user, Worker(name="w")])
    db.session.flush()
    patient = Patient(group_id=user.group_id, reference="P1")
    db.session.add(patient)
    exam = add_exam(user, patient=patient, accession="A1")
    image = add_image(exam, regions=[{"x0": 0, "y0": 0, "x1": 9, "y1": 9, "spacing_mm": [0.1, 0.1]}])
    analysis = add_analysis(image)
    read = Read(image_id=image.id, reader_id=user.id, analysis_id=analysis.id, birads="4A", confidence=70)
    audit = AuditEntry(actor_id=user.id, action="read", object_type="image", object_uid=image.uid, detail={})
    db.session.add_all([read, audit])
    db.session.commit()
