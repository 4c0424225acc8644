"""An erased case is gone, files and words and all; a tombstone stays, and the same file is known again."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.scans import dicom, png
from tests.webapp.rows import add_analysis
from webapp.errors import Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, Base, Erasure, Exam, Image, Job, Outcome, Patient, Read, User, now
from webapp.services import accounts, erasing, intake, pictures, retention, sweeping
from webapp.services.filing import Fields
from webapp.services.intake import Upload, Verdict
from webapp.services.storage import Storage, StorageError, storage

MARK = "ZZQX"
"""Stands in every word of the case that is erased: none of it may be found afterwards."""


@pytest.fixture(autouse=True)
def _context(app: Flask):
    with app.app_context():
        yield
        db.session.remove()


def person(who: str = "radiologist", group: str = "north") -> User:
    user = accounts.find(f"{who}@{group}.example")
    assert user is not None
    return user


def send(data: bytes, name: str = f"{MARK}.png", user: User | None = None, **fields: Any) -> Verdict:
    said = {"patient_reference": f"{MARK}-1", "accession": f"{MARK}-A", "note": f"note {MARK}", **fields}
    (verdict,) = intake.accept(user or person(), [Upload(name, io.BytesIO(data))], Fields(**said))
    return verdict


def case(**fields: Any) -> str:
    """A case of two files with everything that a case can have; returns its uid."""
    uid = send(png(1), **fields).exam_uid
    assert uid is not None
    assert send(dicom(2, frames=3), **fields).exam_uid == uid
    db.session.execute(sa.delete(Job))
    heat = {"values": [[0.5]], "peak": None, "area": 0.0, "words": MARK}
    for image in db.session.scalars(sa.select(Image).join(Exam).where(Exam.uid == uid)):
        analysis = add_analysis(image, heatmaps={"benign": heat}, reason=MARK, warnings=[MARK])
        said = {"birads": "4A", "confidence": 70, "own_class": "malignant", "comment": MARK}
        db.session.add(Read(image_id=image.id, reader_id=person().id, analysis_id=analysis.id, **said))
    outcome = {"laterality": "L", "method": "pathology", "result": "malignant", "dated": date(2026, 1, 2)}
    exam = db.session.scalars(sa.select(Exam).where(Exam.uid == uid)).one()
    db.session.add(Outcome(exam_id=exam.id, author_id=person().id, words=MARK, **outcome))
    db.session.commit()
    return uid


def draw_everything(uid: str) -> None:
    for image in db.session.scalars(sa.select(Exam).where(Exam.uid == uid)).one().images:
        pictures.thumbnail_png(person(), image.uid)
        for frame in range(image.frames):
            pictures.frame_png(person(), image.uid, frame)
        pictures.heatmap_png(person(), image.analyses[0].uid, "benign")


def every_word() -> str:
    """The whole database as text."""
    tables = (db.session.execute(sa.select(table)).all() for table in Base.metadata.sorted_tables)
    return "\n".join(map(str, tables))


def test_of_an_erased_case_no_file_picture_row_or_word_is_left() -> None:
    uid = case()
    draw_everything(uid)
    assert MARK in every_word()
    assert len(list(storage().keys("derived"))) == 2 + 4 + 2
    stone = erasing.erase(uid, "hand", person("admin"))
    assert stone.left_over == []
    assert [*storage().keys("originals"), *storage().keys("derived")] == []
    for model in (Exam, Image, Job, Read, Outcome, Patient):
        assert db.session.scalar(sa.select(sa.func.count(model.id))) == 0, model
    assert MARK not in every_word()


def test_other_cases_stay_as_they_are_and_so_does_a_patient_with_another_case() -> None:
    uid = case()
    other = send(png(5), accession="OTHER").exam_uid
    erasing.erase(uid, "hand", None)
    exam = db.session.scalars(sa.select(Exam)).one()
    assert exam.uid == other
    assert exam.patient.reference == f"{MARK}-1"
    assert storage().exists(exam.images[0].storage_key)


def test_the_tombstone_keeps_hashes_and_figures_without_a_word() -> None:
    uid = case()
    images = {image.uid: (image.sha256, image.size_bytes) for image in db.session.scalars(sa.select(Image))}
    erasing.erase(uid, "hand", person("admin"))
    stone = db.session.scalars(sa.select(Erasure)).one()
    assert (stone.exam_uid, stone.how, stone.author.name) == (uid, "hand", "Admin")
    assert {file.image_uid: (file.sha256, file.size_bytes) for file in stone.files} == images
    first = stone.figures[0]
    assert first["analyses"][0]["malignant"] == 0.2
    assert (first["reads"][0]["birads"], first["reads"][0]["own_class"]) == ("4A", "malignant")
    assert first["outcomes"] == [
        {"laterality": "L", "version": 1, "method": "pathology", "result": "malignant"}
    ]
    assert MARK not in json.dumps(stone.figures)


def test_the_same_file_is_known_as_erased_in_its_group_and_only_there() -> None:
    erasing.erase(case(), "hand", None)
    again = send(png(1), name="other name.png")
    assert (again.state, again.code) == ("refused", "erased")
    assert "erased" in again.message
    assert send(png(1), user=person(group="south")).state == "accepted"
    assert send(png(9)).state == "accepted"


def test_an_erasure_is_recorded_without_patient_data() -> None:
    uid = case()
    erasing.erase(uid, "hand", person("admin"))
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "erased")).one()
    assert (entry.actor_id, entry.object_uid) == (person("admin").id, uid)
    assert entry.detail == {"how": "hand", "files": 2, "reads": 2}


def test_a_storage_that_refuses_leaves_the_rows_gone_and_the_sweep_finishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uid = case()
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "delete", lambda self, key: (_ for _ in ()).throw(StorageError()))
        stone = erasing.erase(uid, "hand", None)
    assert len(list(storage().keys("originals"))) == 2
    assert set(storage().keys("originals")) <= set(stone.left_over)
    assert db.session.scalar(sa.select(sa.func.count(Exam.id))) == 0
    assert sweeping.sweep() >= 2
    assert list(storage().keys("originals")) == []
    assert db.session.scalars(sa.select(Erasure)).one().left_over == []


def test_what_can_t_be_written_down_erases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    uid = case()

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(erasing.audit, "record", refuse)
    with pytest.raises(RuntimeError):
        erasing.erase(uid, "hand", None)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count(Read.id))) == 2
    assert len(list(storage().keys("originals"))) == 2


def test_erasing_twice_finds_nothing() -> None:
    uid = case()
    erasing.erase(uid, "hand", None)
    with pytest.raises(NotFound):
        erasing.erase(uid, "hand", None)


def test_a_plan_counts_what_erasing_then_removes() -> None:
    uid = case()
    plan = erasing.plan(uid)
    assert (plan.files, plan.analyses, plan.reads, plan.outcomes) == (2, 2, 2, 1)
    assert plan.size_bytes == len(png(1)) + len(dicom(2, frames=3))
    assert (plan.patient, plan.synthetic, plan.group) == (True, False, "North")


def backdate(uid: str, days: int, *models: Any) -> None:
    """Let the case and the rows of `models` have come `days` ago."""
    then = now() - timedelta(days=days)
    db.session.execute(sa.update(Exam).where(Exam.uid == uid).values(created_at=then))
    for model in models:
        db.session.execute(sa.update(model).values(created_at=then))
    db.session.commit()


@pytest.mark.parametrize("newer", [None, Image, Read, Outcome])
def test_the_policy_counts_from_the_last_file_read_or_outcome(newer: Any) -> None:
    uid = case()
    backdate(uid, 100, *({Image, Read, Outcome} - {newer}))
    due = [plan.exam_uid for plan in retention.due(90)]
    assert due == ([uid] if newer is None else [])
    assert list(retention.due(101)) == []


def test_the_policy_erases_what_was_listed_and_keeps_synthetic_and_other_groups_cases() -> None:
    uid = case()
    synthetic = send(png(7), accession="S", synthetic=True).exam_uid
    other = send(png(8), user=person(group="south")).exam_uid
    for case_uid in (uid, synthetic, other):
        backdate(case_uid, 100, Image, Read, Outcome)
    assert [plan.exam_uid for plan in retention.due(90, "North")] == [uid]
    assert [stone.exam_uid for stone in retention.run(90, "North")] == [uid]
    assert set(db.session.scalars(sa.select(Exam.uid))) == {synthetic, other}
    assert db.session.scalars(sa.select(Erasure)).one().how == "policy"
    with pytest.raises(InvalidInput, match="no group"):
        retention.due(90, "Nowhere")


def test_only_an_admin_erases_and_only_with_the_right_letters() -> None:
    uid = case()
    for who in ("radiologist", "tutor"):
        with pytest.raises(Forbidden):
            retention.erase_by_hand(person(who), uid, uid[:8])
    for typed in ("", uid[:7], "erase"):
        with pytest.raises(InvalidInput, match=f"Type {uid[:8]}"):
            retention.erase_by_hand(person("admin"), uid, typed)
    assert retention.erase_by_hand(person("admin"), uid, f" {uid[:8].upper()} ").exam_uid == uid
