"""Each uploaded file gets its own verdict, its case and its job; the bytes are kept as received."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from datetime import timedelta

import pytest
from flask import current_app
from sqlalchemy import func, select

from tests.scans import dicom, png
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Exam, Image, Job, Patient
from webapp.services import accounts, intake, sweeping
from webapp.services.filing import Fields
from webapp.services.intake import Upload, Verdict
from webapp.services.storage import StorageError, storage


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def person(who: str = "radiologist", group: str = "north"):
    user = accounts.find(f"{who}@{group}.example")
    assert user is not None
    return user


def send(*files: bytes | tuple[str, bytes], user=None, **fields) -> list[Verdict]:
    named = [file if isinstance(file, tuple) else (f"scan{n}.png", file) for n, file in enumerate(files)]
    uploads = [Upload(name, io.BytesIO(data)) for name, data in named]
    return intake.accept(user or person(), uploads, Fields(**fields))


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def count(model) -> int:
    return db.session.scalar(select(func.count(model.id)))


def image_of(verdict: Verdict) -> Image:
    return db.session.scalars(select(Image).where(Image.uid == verdict.image_uid)).one()


def test_an_accepted_file_is_stored_as_received_with_a_row_a_case_and_a_job():
    data = png(1)
    (verdict,) = send(("links.png", data))
    image = image_of(verdict)
    assert verdict.state == "accepted"
    assert (image.filename, image.format, image.width, image.height, image.frames) == (
        "links.png",
        "png",
        64,
        48,
        1,
    )
    assert (image.size_bytes, image.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert storage().read(image.storage_key) == data
    assert [(job.frame, job.state) for job in image.jobs] == [(0, "queued")]
    assert (image.exam.uid, image.exam.owner) == (verdict.exam_uid, person())


def test_the_kind_of_a_file_is_told_by_its_bytes_not_by_its_name():
    as_dicom, as_png = send(("scan.dcm", png(1)), ("scan.png", dicom(1)))
    assert [image_of(verdict).format for verdict in (as_dicom, as_png)] == ["png", "dicom"]


def test_one_bad_file_never_fails_the_rest():
    verdicts = send(png(1), b"", ("notes.txt", b"hello"), png(2)[:200], png(3))
    assert [verdict.state for verdict in verdicts] == [
        "accepted",
        "refused",
        "refused",
        "refused",
        "accepted",
    ]
    assert [verdict.code for verdict in verdicts[1:4]] == ["empty_file", "not_an_image", "truncated"]
    assert all(verdict.message.endswith(".") and verdict.image_uid is None for verdict in verdicts[1:4])
    assert (count(Image), count(Job)) == (2, 2)


def test_a_refused_file_leaves_nothing_in_the_storage():
    send(b"not an image")
    assert list(storage().older("originals", timedelta(0))) == []


def test_limits_are_those_of_the_settings(config, monkeypatch):
    monkeypatch.setitem(
        current_app.extensions,
        "config",
        config.model_copy(update={"max_file_bytes": 2500, "max_pixels": 1000}),
    )
    large, wide = send(png(1), png(1, 8, 200))
    assert (large.code, wide.code) == ("file_too_large", "too_many_pixels")


def test_a_file_seen_before_is_linked_to_its_case_whatever_its_name():
    (first,) = send(("a.png", png(1)))
    (again,) = send(("b.png", png(1)), user=person("colleague"))
    assert (again.state, again.exam_uid, again.image_uid) == ("seen", first.exam_uid, first.image_uid)
    assert (count(Image), count(Job)) == (1, 1)


def test_the_same_file_twice_in_one_upload_is_kept_once():
    first, again = send(png(1), png(1))
    assert (first.state, again.state, again.image_uid) == ("accepted", "seen", first.image_uid)


def test_another_group_never_learns_that_a_file_was_seen():
    (ours,) = send(png(1))
    (theirs,) = send(png(1), user=person(group="south"))
    assert theirs.state == "accepted"
    assert theirs.exam_uid != ours.exam_uid


def test_a_tutor_never_learns_of_a_case_that_a_tutor_may_not_see():
    (hidden,) = send(png(1))
    (own,) = send(png(1), user=person("tutor"))
    assert own.state == "accepted"
    assert own.exam_uid != hidden.exam_uid


def test_an_administrator_does_not_upload():
    with pytest.raises(Forbidden):
        send(png(1), user=person("admin"))


def test_many_at_once_keep_one_copy_of_the_same_file_and_one_case_of_the_same_accession():
    app, verdicts, start = current_app._get_current_object(), [], threading.Barrier(4)

    def upload(own: int) -> None:
        with app.app_context():
            start.wait()
            verdicts.extend(send(png(1), png(own), accession="A1"))

    threads = [threading.Thread(target=upload, args=(n,)) for n in range(10, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = sorted(verdict.state for verdict in verdicts)
    assert states == ["accepted"] * 5 + ["seen"] * 3
    assert (count(Image), count(Job), count(Exam)) == (5, 5, 1)
    positions = db.session.scalars(select(Image.position).order_by(Image.position)).all()
    assert positions == [0, 1, 2, 3, 4]
    assert len(list(storage().older("originals", timedelta(0)))) == 5


class TestFields:
    def test_empty_fields_are_filled_from_the_dicom_header(self):
        header = {
            "PatientID": "P7",
            "AccessionNumber": "A7",
            "StudyInstanceUID": "1.2.3",
            "ImageLaterality": "R",
        }
        image = image_of(*send(dicom(1, **header)))
        exam = image.exam
        assert (exam.patient.reference, exam.accession, exam.study_uid) == ("P7", "A7", "1.2.3")
        assert (image.laterality, image.modality) == ("R", "US")

    def test_what_the_form_says_stands_before_the_header(self):
        header = {"PatientID": "P7", "AccessionNumber": "A7", "ImageLaterality": "R"}
        typed = {
            "patient_reference": "MINE",
            "accession": "B1",
            "laterality": "L",
            "view": "radial",
            "note": "Lump.",
        }
        image = image_of(*send(dicom(1, **header), **typed))
        exam = image.exam
        assert (exam.patient.reference, exam.accession, exam.note) == ("MINE", "B1", "Lump.")
        assert (image.laterality, image.view) == ("L", "radial")

    def test_a_loop_keeps_its_number_of_frames_and_asks_for_the_first(self):
        image = image_of(*send(dicom(1, frames=5)))
        assert (image.frames, [job.frame for job in image.jobs]) == (5, [0])

    def test_invisible_characters_of_a_header_do_not_reach_the_database(self):
        image = image_of(*send(dicom(1, SpecificCharacterSet="ISO_IR 192", PatientID="P\u202e7")))
        assert image.exam.patient.reference == "P7"


class TestCases:
    def test_files_of_one_accession_share_a_case_across_uploads(self):
        (first,) = send(png(1), accession="A1")
        (second,) = send(png(2), accession="A1", user=person("colleague"))
        assert first.exam_uid == second.exam_uid
        assert [image_of(verdict).position for verdict in (first, second)] == [0, 1]

    def test_files_of_one_study_share_a_case(self):
        verdicts = send(dicom(1, StudyInstanceUID="1.2.3"), dicom(2, StudyInstanceUID="1.2.3"))
        assert len({verdict.exam_uid for verdict in verdicts}) == 1

    def test_files_of_one_patient_share_a_case_within_a_batch_only(self):
        batch = {"patient_reference": "P1", "batch": "0" * 32}
        one, two = send(png(1), **batch) + send(png(2), **batch)
        (later,) = send(png(3), patient_reference="P1", batch="1" * 32)
        assert one.exam_uid == two.exam_uid != later.exam_uid
        assert count(Patient) == 1

    def test_without_any_reference_every_file_is_its_own_case(self):
        verdicts = send(png(1), png(2), batch="0" * 32)
        assert len({verdict.exam_uid for verdict in verdicts}) == 2

    def test_the_same_accession_with_another_patient_is_another_case(self):
        (first,) = send(png(1), accession="A1", patient_reference="P1")
        (second,) = send(png(2), accession="A1", patient_reference="P2")
        assert first.exam_uid != second.exam_uid

    def test_a_case_learns_what_it_did_not_know_and_forgets_nothing(self):
        send(png(1), accession="A1", note="First.")
        (verdict,) = send(png(2), accession="A1", patient_reference="P1", note="Second.")
        exam = image_of(verdict).exam
        assert (exam.patient.reference, exam.note) == ("P1", "First.\nSecond.")

    def test_another_groups_accession_is_another_case(self):
        (ours,) = send(png(1), accession="A1")
        (theirs,) = send(png(2), accession="A1", user=person(group="south"))
        assert ours.exam_uid != theirs.exam_uid

    def test_a_real_file_never_joins_a_synthetic_case(self):
        (drawn,) = send(png(1), accession="A1", synthetic=True)
        (real,) = send(png(2), accession="A1")
        assert drawn.exam_uid != real.exam_uid


class TestZip:
    def test_every_file_of_a_zip_has_its_own_verdict(self):
        files = {"left/a.png": png(1), "right/b.dcm": dicom(2), "read me.txt": b"hello", ".DS_Store": b"x"}
        verdicts = send(("scans.zip", packed(files)))
        assert [(verdict.name, verdict.state) for verdict in verdicts] == [
            ("a.png", "accepted"),
            ("b.dcm", "accepted"),
            ("read me.txt", "refused"),
        ]

    def test_a_zip_is_told_by_its_bytes(self):
        assert [verdict.state for verdict in send(("scan.png", packed({"a.png": png(1)})))] == ["accepted"]

    def test_a_zip_in_a_zip_is_not_opened(self):
        (verdict,) = send(("outer.zip", packed({"inner.zip": packed({"a.png": png(1)})})))
        assert (verdict.state, verdict.code) == ("refused", "nested_archive")

    def test_a_broken_zip_is_one_verdict_beside_the_others(self):
        broken, whole = send(("scans.zip", packed({"a.png": png(1)})[:-10]), png(2))
        assert (broken.state, broken.code, whole.state) == ("refused", "corrupt_zip", "accepted")


class TestWhenSomethingIsAway:
    def test_a_storage_that_refuses_is_a_verdict_and_leaves_no_row(self, monkeypatch):
        def full(self, data):
            raise StorageError

        monkeypatch.setattr("webapp.services.storage.Storage.save", full)
        (verdict,) = send(png(1))
        assert (verdict.state, verdict.code, count(Image)) == ("refused", "storage_unavailable", 0)

    def test_a_queue_that_is_away_does_not_cost_the_upload(self, app):
        app.extensions["queue"]._url = "sqlite:////proc/none/queue.db"
        (verdict,) = send(png(1))
        assert (verdict.state, count(Job)) == ("accepted", 1)

    def test_a_file_whose_rows_were_never_written_is_swept_and_no_other(self, monkeypatch):
        (kept,) = send(png(1))
        orphan = storage().save(b"a crash came between file and row")
        assert sweeping.sweep() == 0
        monkeypatch.setattr(sweeping, "ORPHAN_AGE", timedelta(0))
        assert sweeping.sweep() == 1
        assert not storage().exists(orphan)
        assert storage().read(image_of(kept).storage_key) == png(1)
