"""The words of a case follow whatever happens to it, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.webapp.rows import add_exam, add_image
from webapp.extensions import db
from webapp.models import WORD_LENGTH, Analysis, ExamWord, Job, Patient, Read, now
from webapp.services import accounts, erasing, leases, reads, words
from webapp.services.reads import Answer


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


def words_of(exam) -> set[str]:
    return set(db.session.scalars(select(ExamWord.word).where(ExamWord.exam_id == exam.id)))


def marks_of(exam) -> set[str]:
    return {word for word in words_of(exam) if ":" in word}


def waiting_case(me):
    exam = add_exam(me, accession="A-1")
    image = add_image(exam)
    db.session.add(Job(image_id=image.id))
    db.session.commit()
    return exam, image


def test_terms_are_runs_of_letters_and_digits_from_each_border_without_zeros_in_front():
    assert words.terms("SCAN-007b.png") == {"scan", "007b", "7b", "b", "png"}
    assert words.terms("Müller_Éva") == {"muller", "eva"}
    assert words.terms("... -_ ") == set()


@given(st.text(max_size=300))
def test_whatever_is_typed_finds_the_text_that_it_was_copied_from(text):
    found = words.terms(text)
    assert all(any(term.startswith(asked) for term in found) for asked in words.typed(text))


@given(st.text(max_size=300))
def test_no_term_is_taken_for_a_mark_or_is_too_long(text):
    assert all(term and ":" not in term and len(term) <= WORD_LENGTH for term in words.terms(text))


def test_a_new_case_waits_and_is_unread(me):
    exam, _ = waiting_case(me)
    assert words_of(exam) == {"a", "1", "scan", "png", "result:waiting", "read:no"}


def test_an_answer_takes_the_place_of_the_waiting(me):
    exam, image = waiting_case(me)
    lease = leases.claim("w", 60)
    assert "result:waiting" in marks_of(exam)
    answer = {"call": "suspicious", "threshold": 0.2, "malignant": 0.4, "top_label": "benign", "heatmaps": {}}
    network = {"network_name": "n", "network_version": "1", "network_checksum": "0" * 64}
    shares = {"probabilities": {"benign": 0.6, "malignant": 0.4}}
    leases.finish(lease, Analysis(image_id=image.id, job_id=lease.job_id, **answer, **network, **shares))
    by = words.network("0" * 64)
    assert marks_of(exam) == {"label:benign", "result:suspicious", "read:no", by}


def test_a_refusal_takes_the_place_of_the_waiting(me):
    exam, _ = waiting_case(me)
    leases.fail(leases.claim("w", 60), "damaged", "The file is damaged.")
    assert marks_of(exam) == {"result:failed", "read:no"}


def test_a_job_that_was_given_up_marks_its_case_failed(me):
    exam, _image = waiting_case(me)
    db.session.execute(
        Job.__table__.update().values(
            state="running", attempt=3, lease_until=now() - timedelta(minutes=1), worker="dead"
        )
    )
    db.session.commit()
    assert leases.close_exhausted() == 1
    assert marks_of(exam) == {"result:failed", "read:no"}


def test_a_read_marks_the_case_for_its_reader(me):
    exam, image = waiting_case(me)
    reads.save(me, image.uid, Answer(birads="2"))
    assert marks_of(exam) == {"result:waiting", "read:yes", f"reader:{me.id}"}


def test_a_second_image_adds_its_name_to_the_case(me):
    exam, _ = waiting_case(me)
    add_image(exam, 1, filename="left-9.dcm")
    db.session.commit()
    assert {"left", "9", "dcm", "scan"} <= words_of(exam)


def test_a_change_that_is_rolled_back_changes_no_word(me):
    exam, image = waiting_case(me)
    before = words_of(exam)
    db.session.add(Read(image_id=image.id, reader_id=me.id, birads="2"))
    db.session.flush()
    db.session.rollback()
    db.session.commit()
    assert words_of(exam) == before


def test_the_words_go_with_an_erased_case(me):
    exam, _ = waiting_case(me)
    exam_id = exam.id
    erasing.erase(exam.uid, "hand", me)
    assert db.session.scalars(select(ExamWord).where(ExamWord.exam_id == exam_id)).all() == []


def test_rebuilding_writes_what_was_lost_and_removes_what_is_wrong(me):
    exam, _image = waiting_case(me)
    exam.patient = Patient(group_id=me.group_id, reference="P-7")
    db.session.commit()
    right = words_of(exam)
    db.session.execute(delete(ExamWord).where(ExamWord.word == "7"))
    wrong = {"word": "label:normal", "group_id": exam.group_id, "created_at": exam.created_at}
    db.session.add(ExamWord(exam_id=exam.id, **wrong))
    db.session.commit()
    assert words_of(exam) != right
    assert words.rebuild() == 1
    assert words_of(exam) == right
