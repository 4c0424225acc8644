"""The demo is there after one command, says that it is synthetic, and is made once."""

from __future__ import annotations

import pytest
from flask import current_app
from sqlalchemy import func, select

from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Exam, Image, Job
from webapp.permissions import roles_of, visible_exams
from webapp.services import accounts, demo


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def count(model) -> int:
    return db.session.scalar(select(func.count(model.id)))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demo_has_three_accounts_and_a_dozen_labelled_scans_and_is_made_once(monkeypatch):
    assert demo.seed() == 12
    people = [accounts.find(f"{who}@demo.secondread.example") for who in ("radiologist", "admin", "tutor")]
    assert [roles_of(person) for person in people] == [{"radiologist"}, {"admin"}, {"tutor"}]

    exams = db.session.scalars(select(Exam)).all()
    assert all(exam.synthetic and exam.note == demo.NOTE for exam in exams)
    images = db.session.scalars(select(Image)).all()
    assert all(image.filename.startswith("synthetic-") for image in images)
    formats = sorted((image.format, image.frames > 1) for image in images)
    assert formats == [("dicom", False), ("dicom", True)] + [("png", False)] * 10
    assert (len(exams), count(Job)) == (12, 12)
    assert len(db.session.scalars(visible_exams(people[2])).all()) == 12, "the tutor teaches with them"

    # Whatever a later version draws, what is there stays and nothing is added.
    monkeypatch.setattr(demo, "_draw", lambda scan, said: pytest.fail("drawn again"))
    assert demo.seed() == 0
    assert count(Exam) == 12


def test_a_demo_that_was_broken_off_is_completed(monkeypatch):
    monkeypatch.setattr(demo, "SCANS", demo.SCANS[:1])
    assert demo.seed() == 1
    monkeypatch.setattr(demo, "SCANS", (demo.SCANS[0], demo.DemoScan("cyst", 99, "L")))
    assert demo.seed() == 1
    assert count(Exam) == 2


def test_accounts_with_a_public_password_are_made_in_demo_mode_only(config, monkeypatch):
    monkeypatch.setitem(current_app.extensions, "config", config.model_copy(update={"demo": False}))
    with pytest.raises(Forbidden):
        demo.seed()
    assert accounts.find("radiologist@demo.secondread.example") is None


def test_the_command_prints_the_accounts(app, monkeypatch):
    monkeypatch.setattr(demo, "SCANS", ())
    answer = app.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code == 0
    assert demo.PASSWORD in answer.output
    assert all(account.email in answer.output for account in demo.ACCOUNTS)
