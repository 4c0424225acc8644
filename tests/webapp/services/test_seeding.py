"""Made-up cases: only where they do no harm, with figures that a page can show, and words that are right."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from webapp import create_app
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Analysis, Exam, ExamWord, Image, Read
from webapp.services import accounts, history, seeding, words
from webapp.services.filters import Filters
from webapp.services.seeding import Shares


def rows() -> set[tuple[int, str]]:
    return {tuple(row) for row in db.session.execute(sa.select(ExamWord.exam_id, ExamWord.word))}


def count(model) -> int:
    return db.session.scalar(sa.select(sa.func.count(model.id)))


def test_made_up_cases_fill_history_and_case_page(app, login):
    told = []
    with app.app_context():
        seeding.seed(60, "North", progress=told.append)
        uid = db.session.scalar(sa.select(Exam.uid).order_by(Exam.id.desc()))
        me = accounts.find("radiologist@north.example")
        assert len(history.page(me, Filters()).rows) == history.PAGE
        assert count(Exam) == 60
        assert count(Image) >= count(Analysis) >= 60
        assert count(Read) > 0
    assert told == [60]
    visitor = login()
    assert "breast-000059" in visitor.get("/").text
    assert visitor.get(f"/cases/{uid}").status_code == 200


def test_their_words_are_those_that_a_rebuild_would_write(app):
    with app.app_context():
        seeding.seed(40, "North", shares=Shares(waiting=0.1))
        before = rows()
        words.rebuild()
        assert rows() == before


def test_references_of_a_hundred_thousand_cases_are_all_different():
    """With 32 bits, as once, two of them were the same in most runs."""
    assert len({seeding._reference() for _ in range(100_000)}) == 100_000


def test_a_second_run_adds_as_many_again(both):
    with both.app_context():
        seeding.seed(5, "North")
        seeding.seed(5, "North", chance=2)
        assert count(Exam) == 10
        db.session.add(Exam(group_id=1, owner_id=1))  # the next free number is known to the database
        db.session.commit()


def test_real_cases_are_not_mixed_with_made_up_ones_by_mistake(config):
    strict = {"demo": False, "secret_key": "k" * 20 + "rJ8-sW2_pQ5zXv7!", "password_memory_kib": 19_456}
    app = create_app(type(config)(**{**config.model_dump(exclude_none=True), **strict}))
    with app.app_context():
        with pytest.raises(Forbidden, match="--force"):
            seeding.seed(1, "North")
        assert count(Exam) == 0
        seeding.seed(1, "North", force=True)
        assert count(Exam) == 1
        db.session.remove()
        db.engine.dispose()
