"""Rows for tests that need a filled database."""

from __future__ import annotations

from datetime import date

from webapp.extensions import db
from webapp.models import (
    Analysis,
    AuditReview,
    ErasedFile,
    Erasure,
    Exam,
    Group,
    HandCount,
    Image,
    ImagePrint,
    Invitation,
    Job,
    NearCopy,
    NetworkSwitch,
    Outcome,
    Passkey,
    Patient,
    Presentation,
    PrintKey,
    Read,
    Reanalysis,
    Role,
    Step,
    TeachingCase,
    TeachingEntry,
    TeachingList,
    User,
    UserSession,
    Worker,
    now,
)
from webapp.services import audit


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
    job = Job(image_id=image.id, frame=int(more.get("frame", 0)), state="done", attempt=1, progress=100)
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


def add_outcome(exam: Exam, result: str = "malignant", laterality: str = "B", **more: object) -> Outcome:
    """What pathology said of a side of `exam`, entered by its owner. The caller commits."""
    said = {"method": "pathology", "dated": date(2026, 10, 1), "author_id": exam.owner_id}
    outcome = Outcome(exam_id=exam.id, laterality=laterality, result=result, **{**said, **more})
    db.session.add(outcome)
    db.session.flush()
    return outcome


def add_near_copy(first: Image, second: Image, **more: object) -> NearCopy:
    """A link between images of two cases. The caller commits."""
    said = {"correlation": 0.95, "mirrored": False, **more}
    link = NearCopy(first_id=min(first.id, second.id), second_id=max(first.id, second.id), **said)
    db.session.add(link)
    db.session.flush()
    return link


def add_teaching_case(image: Image, **more: object) -> TeachingCase:
    """Frame 0 of `image`, marked for teaching by its uploader. The caller commits."""
    exam = db.session.get_one(Exam, image.exam_id)
    said = {"title": f"Case {image.id}", "marked_by_id": image.uploader_id, "group_id": exam.group_id}
    case = TeachingCase(image_id=image.id, **{**said, **more})
    db.session.add(case)
    db.session.flush()
    return case


def add_lesson(owner: User, *cases: TeachingCase, **more: object) -> TeachingList:
    """A list of `cases` in their order. The caller commits."""
    kept = TeachingList(group_id=owner.group_id, owner_id=owner.id, **{"name": "Lesson", **more})
    db.session.add(kept)
    db.session.flush()
    for position, case in enumerate(cases):
        db.session.add(TeachingEntry(list_id=kept.id, case_id=case.id, position=position))
    db.session.flush()
    return kept


def add_one_of_each() -> None:
    """One row in every table, committed."""
    user = User(
        email="a@b.example", password="x", fs_uniquifier="u", name="A", group=Group(name="G"),
        roles=[Role(name="radiologist", permissions=["look"])],
    )  # fmt: skip
    db.session.add_all([user, Worker(name="w")])
    db.session.flush()
    db.session.add(UserSession(user_id=user.id, token_hash="0" * 64, browser="Firefox on Linux"))
    key = Passkey(user_id=user.id, name="Key", credential_id=b"\x00\xff", public_key=b"\xa5", backed_up=False)
    db.session.add_all([key, Step(token_hash="2" * 64, kind="sign_in", user_id=user.id, challenge=b"\x01")])
    user.tf_totp_secret, user.mf_recovery_codes, user.fs_webauthn_user_handle = "{}", ["3" * 64], "4" * 64
    invitation = Invitation(token_hash="1" * 64, email="b@b.example", group=user.group, roles=["tutor"])
    invitation.expires_at = now()
    db.session.add(invitation)
    patient = Patient(group_id=user.group_id, reference="P1")
    db.session.add(patient)
    exam = add_exam(user, patient=patient, accession="A1")
    image = add_image(exam, regions=[{"x0": 0, "y0": 0, "x1": 9, "y1": 9, "spacing_mm": [0.1, 0.1]}])
    analysis = add_analysis(image)
    read = Read(image_id=image.id, reader_id=user.id, analysis_id=analysis.id, birads="4A", confidence=70)
    add_outcome(exam, words="IDC")
    audit.record("viewed", user, "image", image.uid, frame=0)
    review = AuditReview(up_to=1, entry_hash="0" * 64, reviewer_id=user.id, note="Nothing of note.")
    stone = Erasure(exam_uid="e" * 32, group_id=user.group_id, how="hand", author_id=user.id)
    stone.files = [ErasedFile(image_uid="i" * 32, sha256="1" * 64, size_bytes=5)]
    db.session.add_all([stone, read, review])
    other = add_image(exam, 1, sha256="5" * 64)
    add_near_copy(image, other)
    db.session.add(Job(image_id=other.id, state="done", attempt=1, progress=100))
    db.session.add(ImagePrint(image_id=image.id, pixels=bytes(range(256)), compared=True))
    db.session.add(PrintKey(group_id=user.group_id, key=7, image_id=image.id))
    case = add_teaching_case(image, truth="malignant", known_by="pathology")
    lesson = add_lesson(user, case)
    show = Presentation(list_id=lesson.id, presenter_id=user.id, seed=1, case_uids=[case.uid])
    db.session.add(show)
    db.session.flush()
    network = {"name": "tiny", "version": "1", "checksum": "a" * 64, "author_id": user.id}
    again = Reanalysis(frames=1, group_id=user.group_id, **network)
    db.session.add_all([NetworkSwitch(folder="tiny", **network), again])
    db.session.flush()
    analysis.job.reanalysis_id = again.id
    db.session.add(HandCount(presentation_id=show.id, case_id=case.id, benign=3))
    db.session.commit()
