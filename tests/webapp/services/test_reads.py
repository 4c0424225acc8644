"""Reads are versioned and never overwritten; only who may see an image may answer it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp.errors import Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Image, Read
from webapp.services import accounts, reads
from webapp.services.reads import Answer

BENIGN = Answer(own_class="benign", birads="2")
WORSE = Answer(own_class="malignant", birads="4B", confidence=75, comment="Margin not circumscribed.")


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def person(who: str = "radiologist", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


@pytest.fixture
def image() -> Image:
    image = add_image(add_exam(person()))
    db.session.commit()
    return image


def test_a_change_of_mind_is_a_new_version_and_the_earlier_one_stays(image):
    first = reads.save(person(), image.uid, BENIGN)
    second = reads.save(person(), image.uid, WORSE)
    assert [(read.version, read.own_class) for read in reads.history(person(), image.uid)] == [
        (second.version, "malignant"),
        (first.version, "benign"),
    ]
    assert (first.version, second.version) == (1, 2)


def test_every_reader_has_versions_of_their_own(image):
    reads.save(person(), image.uid, BENIGN)
    assert reads.save(person("colleague"), image.uid, WORSE).version == 1
    assert reads.latest_of(reads.history(person(), image.uid), person()).own_class == "benign"


def test_a_double_click_is_one_read(image):
    first = reads.save(person(), image.uid, WORSE)
    assert reads.save(person(), image.uid, WORSE).uid == first.uid
    assert db.session.scalars(select(Read)).all() == [first]


def test_going_back_to_an_earlier_opinion_is_a_version_too(image):
    for answer in (BENIGN, WORSE, BENIGN):
        last = reads.save(person(), image.uid, answer)
    assert last.version == 3


def test_the_same_words_about_another_second_read_are_another_version(image):
    analysis = add_analysis(image)
    db.session.commit()
    reads.save(person(), image.uid, Answer(agrees=True))
    later = reads.save(person(), image.uid, Answer(agrees=True), analysis.uid)
    assert (later.version, later.analysis_id) == (2, analysis.id)


def test_an_empty_answer_is_refused(image):
    with pytest.raises(InvalidInput):
        reads.save(person(), image.uid, Answer())
    assert reads.history(person(), image.uid) == []


def test_saying_no_and_zero_percent_is_not_saying_nothing(image):
    assert reads.save(person(), image.uid, Answer(agrees=False)).agrees is False
    assert reads.save(person(), image.uid, Answer(confidence=0)).confidence == 0


def test_the_analysis_of_another_image_is_refused(image):
    other = add_analysis(add_image(add_exam(person())))
    db.session.commit()
    with pytest.raises(InvalidInput):
        reads.save(person(), image.uid, BENIGN, other.uid)


def test_another_group_can_neither_read_nor_see_the_reads(image):
    for stranger in (person("radiologist", "south"), person("tutor")):
        with pytest.raises(NotFound):
            reads.save(stranger, image.uid, BENIGN)
        with pytest.raises(NotFound):
            reads.history(stranger, image.uid)


def test_an_admin_sees_no_reads_and_makes_none(image):
    reads.save(person(), image.uid, BENIGN)
    with pytest.raises(NotFound):
        reads.history(person("admin"), image.uid)
    with pytest.raises(Forbidden):
        reads.save(person("admin"), image.uid, BENIGN)


def test_saves_of_one_reader_at_the_same_moment_all_get_a_version(app, image):
    uid = image.uid

    def save(n: int) -> int:
        with app.app_context():
            return reads.save(person(), uid, Answer(confidence=n)).version

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(save, range(4)))
    assert sorted(versions) == [1, 2, 3, 4]
