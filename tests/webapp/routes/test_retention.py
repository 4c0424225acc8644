"""An administrator sees what would go, types the beginning of the case's identifier, and it is gone."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask

from tests.scans import png
from tests.support import Visitor
from webapp.extensions import db
from webapp.models import Exam
from webapp.services import accounts, intake
from webapp.services.filing import Fields
from webapp.services.intake import Upload


@pytest.fixture
def uid(app: Flask) -> str:
    """A case with a patient."""
    with app.app_context():
        upload = Upload("PATIENT-4711.png", BytesIO(png(1)))
        fields = Fields("PATIENT-4711", note="PATIENT-4711")
        (verdict,) = intake.accept(accounts.find("radiologist@north.example"), [upload], fields)
        assert verdict.exam_uid
        return verdict.exam_uid


def count(app: Flask) -> int:
    with app.app_context():
        return db.session.query(Exam).count()


def test_from_the_list_to_the_question_to_the_tombstone(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    admin = login("admin")
    assert "No case was erased yet" in admin.get("/retention").text
    found = admin.get(f"/retention/find?uid=+{uid}", follow_redirects=True)
    assert "Erase this case?" in found.text
    assert "1 file as received" in found.text
    assert "4711" not in found.text
    answer = admin.submit(f"/retention/cases/{uid}", {"typed": uid[:8]}, follow_redirects=True)
    assert "The case was erased." in answer.text
    assert uid in answer.text
    assert count(app) == 0
    assert admin.get(f"/retention/cases/{uid}").status_code == 404


def test_without_the_right_letters_nothing_goes_and_the_page_says_what_to_type(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    answer = login("admin").submit(f"/retention/cases/{uid}", {"typed": "yes"})
    assert answer.status_code == 422
    assert f"Type {uid[:8]} to erase this case. Nothing was erased." in answer.text
    assert count(app) == 1


def test_the_commands_list_ask_and_erase(app: Flask, uid: str) -> None:
    run = app.test_cli_runner().invoke
    assert "RETENTION_DAYS is not set" in run(args=["retention", "run"]).output
    assert "0 cases untouched for 1 days" in run(args=["retention", "run", "--days", "1"]).output
    kept = run(args=["retention", "erase", uid], input="n\n")
    assert (kept.exit_code, count(app)) == (1, 1)
    assert uid in kept.output
    assert "4711" not in kept.output
    assert "1 cases erased" in run(args=["retention", "erase", uid, "--yes"]).output
    assert run(args=["retention", "erased"]).output == f"{uid}\n"
    assert run(args=["retention", "erase", uid, "--yes"]).exit_code == 1
