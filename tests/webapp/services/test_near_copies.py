"""Near copies are found in the own group alone, told to who may open both cases, gone with a case."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from flask import Flask

import ml
from ml import imaging
from tests.ml.data.test_likeness import scan
from tests.webapp.rows import add_analysis, add_exam, add_image, add_near_copy, add_outcome
from webapp.extensions import db
from webapp.models import Exam, Image, ImagePrint, NearCopy, PrintKey, Read, User, now
from webapp.services import accounts, analyses, erasing, intake, likenesses, near_copies
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.near_copies import Copy, Label, NearCopies


@pytest.fixture(autouse=True)
def _context(app: Flask):
    with app.app_context():
        yield
        db.session.remove()


def person(who: str = "radiologist", group: str = "north") -> User:
    user = accounts.find(f"{who}@{group}.example")
    assert user is not None
    return user


def encoded(pixels: np.ndarray, kind: str = ".png") -> bytes:
    return cv2.imencode(kind, np.ascontiguousarray(pixels))[1].tobytes()


def send(data: bytes, user: User | None = None, **fields: str) -> Image:
    """An image that has come in and that the worker has looked at."""
    (verdict,) = intake.accept(user or person(), [Upload("scan", io.BytesIO(data))], Fields(**fields))
    image = db.session.scalars(sa.select(Image).where(Image.uid == verdict.image_uid)).one()
    likenesses.look(image.id, imaging.decode(data))
    return image


def frame(pixels: np.ndarray) -> ml.Scan:
    return imaging.decode(encoded(pixels))


def told(image: Image, user: User | None = None) -> list[str]:
    return [copy.name for copy in near_copies.of_image(user or person(), image).told]


def asked(work: Callable[[], object]) -> tuple[list[tuple[str, object]], object]:
    """The statements that `work` sends to the database, and what it answers."""
    sent = []

    def keep(connection, cursor, statement, parameters, *rest):
        sent.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", keep)
    try:
        return sent, work()
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", keep)


def links() -> list[NearCopy]:
    return list(db.session.scalars(sa.select(NearCopy)))


class TestSearch:
    def test_a_copy_of_another_patient_is_told_at_both_cases(self):
        first = send(encoded(scan(1)), patient_reference="P-1")
        other = send(encoded(scan(2)), patient_reference="P-3")
        second = send(encoded(scan(1), ".jpg"), patient_reference="P-2")
        assert (told(first), told(second), told(other)) == (["P-2"], ["P-1"], [])

    def test_a_mirrored_copy_is_said_to_be_one(self):
        send(encoded(scan(1)), patient_reference="P-1")
        image = send(encoded(scan(1)[:, ::-1]), patient_reference="P-2")
        (copy,) = near_copies.of_image(person(), image).told
        assert copy.mirrored

    def test_copies_in_another_group_or_in_the_same_case_are_no_news(self):
        image = send(encoded(scan(1)), accession="A-1")
        south = send(encoded(scan(1), ".jpg"), person(group="south"), accession="A-1")
        same = send(encoded(scan(1), ".bmp"), accession="A-1")
        assert same.exam_id == image.exam_id
        assert links() == []
        assert south.exam.group_id != image.exam.group_id

    def test_the_same_bytes_are_left_to_the_upload_to_tell(self):
        image = send(encoded(scan(1)))
        again = add_image(add_exam(person()), sha256=image.sha256)
        db.session.add(ImagePrint(image_id=again.id, pixels=db.session.get_one(ImagePrint, image.id).pixels))
        db.session.commit()
        likenesses.look(again.id, frame(scan(2)))
        assert links() == []

    def test_looking_twice_changes_nothing(self):
        image = send(encoded(scan(1)))
        send(encoded(scan(1), ".jpg"))
        before = db.session.scalar(sa.select(sa.func.count()).select_from(PrintKey))
        likenesses.look(image.id, frame(scan(2)))
        assert len(links()) == 1
        assert db.session.scalar(sa.select(sa.func.count()).select_from(PrintKey)) == before

    def test_a_blank_image_is_like_no_other(self):
        for kind in (".png", ".bmp"):
            send(encoded(np.full((90, 90), 7, dtype=np.uint8), kind))
        assert links() == []
        assert db.session.scalars(sa.select(ImagePrint.compared)).all() == [True, True]

    def test_a_link_that_was_found_from_the_other_side_meanwhile_is_kept_once(self, monkeypatch):
        first, second = send(encoded(scan(1))), send(encoded(scan(1), ".jpg"))
        db.session.execute(sa.delete(NearCopy))
        db.session.execute(sa.update(ImagePrint).values(compared=False))
        db.session.commit()
        known = likenesses._linked

        def too_late(image_id: int) -> set[int]:
            monkeypatch.setattr(likenesses, "_linked", known)
            add_near_copy(first, second)
            db.session.commit()
            return set()

        monkeypatch.setattr(likenesses, "_linked", too_late)
        likenesses.look(second.id, frame(scan(2)))
        assert len(links()) == 1
        assert db.session.get_one(ImagePrint, second.id).compared

    def test_what_goes_wrong_is_logged_without_a_word_of_the_patient(self, caplog):
        (verdict,) = intake.accept(person(), [Upload("ZZQX.png", io.BytesIO(encoded(scan(1))))], Fields())
        image = db.session.scalars(sa.select(Image).where(Image.uid == verdict.image_uid)).one()
        nothing = replace(frame(scan(1)), pixels=np.empty((0, 0), dtype=np.uint8))
        with caplog.at_level(logging.WARNING):
            likenesses.look(image.id, nothing)
        assert f"image {image.id} could not be compared" in caplog.text
        assert "ZZQX" not in caplog.text
        assert db.session.get(ImagePrint, image.id) is None


class TestFilling:
    def test_images_of_before_are_compared_once_and_what_is_unreadable_is_counted(self):
        for number, kind in enumerate((".png", ".jpg")):
            data = encoded(scan(1), kind)
            intake.accept(
                person(), [Upload("scan", io.BytesIO(data))], Fields(patient_reference=f"P-{number}")
            )
        add_image(add_exam(person()))  # its file is not there
        db.session.commit()
        seen = []
        assert likenesses.fill(lambda *of: seen.append(of)) == likenesses.Filled(2, 1)
        assert seen == [(1, 3), (2, 3), (3, 3)]
        assert len(links()) == 1
        assert likenesses.fill() == likenesses.Filled(0, 1)

    def test_a_search_that_was_broken_off_is_made_up_for(self):
        send(encoded(scan(1)))
        image = send(encoded(scan(1), ".jpg"))
        db.session.execute(sa.delete(NearCopy))
        db.session.get_one(ImagePrint, image.id).compared = False
        db.session.commit()
        assert likenesses.fill().compared == 1
        assert len(links()) == 1


class TestTelling:
    @pytest.fixture
    def pair(self) -> tuple[Image, Image]:
        mine, other = (add_image(add_exam(person(), accession=name)) for name in ("A-1", "A-2"))
        add_near_copy(mine, other)
        db.session.commit()
        return mine, other

    def label(self, image: Image) -> Label | None:
        (copy,) = near_copies.of_image(person(), image).told
        return copy.label

    def test_what_is_known_best_of_the_other_is_its_label(self, pair):
        mine, other = pair
        assert self.label(mine) is None
        analysis = add_analysis(other)
        assert self.label(mine) == Label("suspicious", "network")
        db.session.add(Read(image_id=other.id, reader_id=person().id, analysis_id=analysis.id, agrees=True))
        db.session.flush()
        assert self.label(mine) == Label("normal", "read")
        said = {"own_class": "benign", "version": 2, "created_at": now() + timedelta(seconds=1)}
        db.session.add(Read(image_id=other.id, reader_id=person().id, **said))
        db.session.add(Read(image_id=other.id, reader_id=person("colleague").id, comment="No class."))
        assert self.label(mine) == Label("benign", "read")
        add_outcome(other.exam, "malignant")
        assert self.label(mine) == Label("malignant", "pathology")

    def test_an_answer_out_of_scope_is_no_call(self, pair):
        add_analysis(pair[1], out_of_scope=True)
        assert self.label(pair[0]) == Label("out_of_scope", "network")

    def test_of_a_case_that_one_may_not_open_nothing_is_told(self, pair):
        mine, other = pair
        mine.exam.owner_id = person("tutor").id
        add_analysis(mine)
        db.session.commit()
        assert analyses.status(person(), mine.uid).near_copies.told[0].name == "A-2"
        assert told(mine) == ["A-2"]
        assert near_copies.of_image(person("tutor"), mine) == NearCopies()
        assert analyses.status(person("tutor"), mine.uid).near_copies == NearCopies()
        other.exam.group_id = person(group="south").group_id  # whatever led to such a row
        db.session.commit()
        assert near_copies.of_image(person(), mine) == NearCopies()

    def test_an_erased_case_is_told_of_no_more_and_leaves_nothing(self):
        first, second = send(encoded(scan(1)), accession="A-1"), send(encoded(scan(1), ".jpg"))
        assert told(second) == ["A-1"]
        erasing.erase(first.exam.uid, "hand", None)
        assert told(second) == []
        for model in (ImagePrint, PrintKey):
            assert set(db.session.scalars(sa.select(model.image_id))) == {second.id}
        assert db.session.scalars(sa.select(Exam.id)).one() == second.exam_id

    def test_the_closest_are_told_and_the_others_counted(self):
        mine = add_image(add_exam(person()))
        for number in range(7):
            add_near_copy(
                mine, add_image(add_exam(person(), accession=f"A-{number}")), correlation=0.9 + number / 100
            )
        db.session.commit()
        found = near_copies.of_image(person(), mine)
        assert [copy.name for copy in found.told] == ["A-6", "A-5", "A-4", "A-3", "A-2"]
        assert found.more == 2
        assert isinstance(found.told[0], Copy)

    def test_those_of_many_images_are_those_of_each_in_as_many_queries_as_those_of_one(self, pair):
        images = [*pair, *(add_image(add_exam(person(), accession=f"B-{number}")) for number in range(4))]
        for image in images[2:]:
            add_near_copy(pair[0], image)
        db.session.commit()
        me, uids = person(), [image.uid for image in images]
        near_copies.of_images(me, uids)  # what the session keeps is loaded
        alone, told_alone = asked(lambda: near_copies.of_images(me, uids[:1]))
        together, told = asked(lambda: near_copies.of_images(me, uids))
        assert told == {image.uid: near_copies.of_image(me, image) for image in images}
        assert told_alone == {uids[0]: told[uids[0]]}
        assert len(together) == len(alone)
        assert near_copies.of_images(person("tutor"), uids) == {}
        assert near_copies.of_images(person(group="south"), uids) == {}

    def test_they_are_looked_up_by_number_and_not_searched_for_in_the_group(self, pair):
        mine, me = pair[0], person()
        statements, _ = asked(lambda: near_copies.of_image(me, mine))
        plan = " ".join(
            step[3]
            for statement, parameters in statements
            if "near_copies" in statement
            for step in db.session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        )
        for way in ("near_copies USING PRIMARY KEY (first_id=?)", "ix_near_copies_second_id (second_id=?)"):
            assert way in plan
        for table in ("images", "exams"):
            assert f"SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)" in plan


def test_candidates_are_read_from_the_index_of_their_group():
    keys = ml.copy_keys.sought(ml.likeness.descriptor(scan(1)))
    db.session.add_all(
        PrintKey(group_id=person().group_id, key=key, image_id=image.id)
        for image in [add_image(add_exam(person())) for _ in range(20)]
        for key in keys[:5]
    )
    db.session.commit()
    asked = likenesses.candidates(person().group_id, 0, keys)
    sql = str(asked.compile(db.engine, compile_kwargs={"literal_binds": True}))
    plan = " ".join(row[3] for row in db.session.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}")))
    assert "SEARCH print_keys USING PRIMARY KEY (group_id=? AND key=?)" in plan
    assert "SCAN print_keys" not in plan
