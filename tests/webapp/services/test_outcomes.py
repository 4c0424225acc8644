"""An outcome is kept by breast, every version of it; one side's carcinoma says nothing of the other side."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.webapp.rows import add_exam, add_outcome
from webapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, Outcome
from webapp.services import accounts, outcomes
from webapp.services.outcomes import Entry

ENTRY = Entry("L", "pathology", "malignant", date(2026, 10, 1), "Invasive carcinoma of no special type.")


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def person(who: str = "radiologist", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


@pytest.fixture
def exam():
    exam = add_exam(person())
    db.session.commit()
    return exam


def versions(exam) -> list[tuple[str, int, str | None]]:
    kept = outcomes.history(person(), exam.uid)
    return [(outcome.laterality, outcome.version, outcome.result) for outcome in reversed(kept)]


def test_what_is_entered_is_kept_with_who_and_when(exam):
    kept = outcomes.save(person(), exam.uid, ENTRY, known=0)
    assert (kept.laterality, kept.method, kept.result, kept.dated) == (
        "L",
        "pathology",
        "malignant",
        ENTRY.dated,
    )
    assert (kept.words, kept.version, kept.author_id) == (ENTRY.words, 1, person().id)
    assert outcomes.history(person(), exam.uid) == [kept]


def test_a_correction_is_a_new_version_and_the_first_stays(exam):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    outcomes.save(person("colleague"), exam.uid, replace(ENTRY, result="benign"), known=1)
    assert versions(exam) == [("L", 1, "malignant"), ("L", 2, "benign")]


def test_each_side_has_versions_of_its_own(exam):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    outcomes.save(person(), exam.uid, replace(ENTRY, laterality="R", result="normal"), known=1)
    assert versions(exam) == [("L", 1, "malignant"), ("R", 1, "normal")]
    holding = outcomes.current(outcomes.history(person(), exam.uid))
    assert {side: outcome.result for side, outcome in holding.items()} == {"L": "malignant", "R": "normal"}


def test_a_withdrawal_is_a_version_after_which_nothing_holds(exam):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    gone = outcomes.withdraw(person(), exam.uid, "L", known=1, why="Another patient's report.")
    assert (gone.version, gone.withdrawn, gone.result, gone.words) == (
        2,
        True,
        None,
        "Another patient's report.",
    )
    assert versions(exam) == [("L", 1, "malignant"), ("L", 2, None)]
    assert outcomes.current(outcomes.history(person(), exam.uid)) == {}
    assert outcomes.of_exams([exam.id]) == {}


def test_after_a_withdrawal_it_can_be_entered_again_even_the_same(exam):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    outcomes.withdraw(person(), exam.uid, "L", known=1)
    assert outcomes.save(person(), exam.uid, ENTRY, known=2).version == 3


def test_a_double_click_is_one_outcome_and_one_withdrawal(exam):
    first = outcomes.save(person(), exam.uid, ENTRY, known=0)
    assert outcomes.save(person(), exam.uid, ENTRY, known=0) is first
    gone = outcomes.withdraw(person(), exam.uid, "L", known=1)
    assert outcomes.withdraw(person(), exam.uid, "L", known=1) is gone
    assert len(versions(exam)) == 2


def test_nobody_corrects_what_they_have_not_seen(exam):
    outcomes.save(person("colleague"), exam.uid, ENTRY, known=0)
    with pytest.raises(Conflict):
        outcomes.save(person(), exam.uid, replace(ENTRY, result="benign"), known=0)
    with pytest.raises(Conflict):
        outcomes.withdraw(person(), exam.uid, "L", known=0)
    assert versions(exam) == [("L", 1, "malignant")]


def test_a_side_without_outcome_has_none_to_withdraw(exam):
    with pytest.raises(InvalidInput, match="none to withdraw"):
        outcomes.withdraw(person(), exam.uid, "R", known=0)


def test_a_day_to_come_or_before_1970_is_told_beside_the_date(exam):
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date()
    for day in (tomorrow, date(1969, 12, 31)):
        with pytest.raises(InvalidInput) as refused:
            outcomes.save(person(), exam.uid, replace(ENTRY, dated=day), known=0)
        assert set(refused.value.problems) == {"dated"}
    assert versions(exam) == []


@pytest.mark.parametrize(("who", "group", "error"), [
    ("tutor", "north", Forbidden), ("admin", "north", Forbidden), ("radiologist", "south", NotFound),
])  # fmt: skip
def test_only_radiologists_of_the_group_enter_and_withdraw(exam, who, group, error):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    with pytest.raises(error):
        outcomes.save(person(who, group), exam.uid, replace(ENTRY, result="benign"), known=1)
    with pytest.raises(error):
        outcomes.withdraw(person(who, group), exam.uid, "L", known=1)
    assert versions(exam) == [("L", 1, "malignant")]


def test_another_group_does_not_see_it(exam):
    with pytest.raises(NotFound):
        outcomes.history(person("radiologist", "south"), exam.uid)


@pytest.mark.parametrize(("kept", "side", "result"), [
    ({"L": "malignant", "R": "benign"}, "R", "benign"),
    ({"B": "normal"}, "L", "normal"),
    ({"B": "normal", "L": "malignant"}, "L", "malignant"),
    ({"B": "normal", "L": "malignant"}, "R", "normal"),
    ({"B": "normal"}, None, "normal"),
    ({"L": "malignant"}, None, None),
    ({"L": "malignant"}, "B", None),
    ({}, "L", None),
])  # fmt: skip
def test_an_image_has_the_outcome_of_its_side_else_that_of_both(exam, kept, side, result):
    for laterality, said in kept.items():
        add_outcome(exam, said, laterality)
    found = outcomes.of_image(outcomes.of_exams([exam.id]).get(exam.id, {}), side)
    assert (found.result if found else None) == result


def test_both_acts_are_in_the_audit_log_without_histology_or_result(exam):
    outcomes.save(person(), exam.uid, ENTRY, known=0)
    outcomes.withdraw(person(), exam.uid, "L", known=1, why="A secret")
    found = db.session.scalars(
        select(AuditEntry).where(AuditEntry.object_uid == exam.uid).order_by(AuditEntry.id)
    ).all()
    assert [(entry.action, entry.detail) for entry in found] == [
        ("outcome_saved", {"laterality": "L", "version": 1}),
        ("outcome_withdrawn", {"laterality": "L", "version": 2}),
    ]


@pytest.mark.parametrize("half", [
    {"result": None}, {"withdrawn": True}, {"dated": None}, {"method": "guess"}, {"laterality": "X"},
])  # fmt: skip
def test_the_database_refuses_half_an_outcome(exam, half):
    with pytest.raises(IntegrityError):
        add_outcome(exam, **half)
    db.session.rollback()


def test_the_database_refuses_the_same_version_twice(exam):
    add_outcome(exam)
    with pytest.raises(IntegrityError):
        add_outcome(exam)
    db.session.rollback()
    assert db.session.scalar(select(Outcome.id)) is None
