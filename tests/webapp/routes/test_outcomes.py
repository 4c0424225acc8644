"""Entering, correcting and withdrawing an outcome on the case page."""

from __future__ import annotations

import pytest

from tests.webapp.rows import add_exam, add_image
from webapp.extensions import db
from webapp.services import accounts, outcomes

HTMX = {"HX-Request": "true"}
FULL = {
    "laterality": "L",
    "method": "pathology",
    "result": "malignant",
    "dated": "2026-10-01",
    "words": "Invasive <ductal>.\r\nGrade 2.",
    "known": "0",
}


@pytest.fixture
def visitor(login):
    return login("radiologist")


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


@pytest.fixture
def exam(me):
    image = add_image(add_exam(me), laterality="R")
    db.session.commit()
    return image.exam


def address(exam) -> str:
    return f"/cases/{exam.uid}/outcomes"


def kept(exam, me):
    db.session.expire_all()
    return outcomes.history(me, exam.uid)


def test_every_field_of_the_form_is_kept(visitor, exam, me):
    answer = visitor.submit(address(exam), FULL)
    assert (answer.status_code, answer.location) == (303, f"/cases/{exam.uid}")
    (outcome,) = kept(exam, me)
    assert (outcome.laterality, outcome.method, outcome.result) == ("L", "pathology", "malignant")
    assert (outcome.dated.isoformat(), outcome.words) == ("2026-10-01", "Invasive <ductal>.\nGrade 2.")


def test_the_case_page_says_it_and_shows_every_version(visitor, exam):
    visitor.submit(address(exam), FULL)
    page = visitor.submit(
        address(exam), {**FULL, "result": "benign", "known": "1"}, follow_redirects=True
    ).text
    for words in ("Outcome (left) saved, version 2.", "version 1, earlier", "Invasive &lt;ductal&gt;"):
        assert words in page
    assert page.count("pathology of 2026-10-01") == 2


def test_htmx_gets_the_part_alone(visitor, exam):
    answer = visitor.submit(address(exam), FULL, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<section id="outcomes"')
    assert 'name="known" value="1"' in answer.text


def test_the_form_begins_with_the_side_of_the_image_in_view(visitor, exam):
    page = visitor.get(f"/cases/{exam.uid}").text
    assert 'id="outcome-new-laterality-R" checked' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("laterality", "X"),
        ("method", ""),
        ("result", "cyst"),
        ("dated", ""),
        ("dated", "2999-01-01"),
        ("dated", "yesterday"),
        ("words", "x" * 4001),
    ],
)
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "page"])
def test_a_wrong_value_is_told_beside_its_field_and_nothing_typed_is_lost(
    visitor, exam, me, field, value, headers
):
    typed = {**FULL, "words": "Keep me", field: value}
    answer = visitor.submit(address(exam), typed, headers=headers)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert '<details class="entry" open>' in answer.text
    assert ("Keep me" in answer.text) or field == "words"
    assert kept(exam, me) == []


def test_what_a_colleague_entered_meanwhile_is_shown_before_anything_is_saved(visitor, login, exam, me):
    login("colleague").submit(address(exam), FULL)
    answer = visitor.submit(address(exam), {**FULL, "result": "benign"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Somebody else entered or changed an outcome" in answer.text
    assert "Colleague" in answer.text
    assert len(kept(exam, me)) == 1


def test_it_is_withdrawn_with_a_question_and_a_reason(visitor, exam, me):
    page = visitor.submit(address(exam), FULL, headers=HTMX).text
    assert "Withdraw this outcome?" in page
    said = {"laterality": "L", "words": "Wrong patient.", "known": "1"}
    answer = visitor.submit(f"{address(exam)}/withdraw", said, follow_redirects=True)
    assert "Outcome (left) withdrawn, version 2." in answer.text
    assert "Wrong patient." in answer.text
    assert "Withdraw this outcome?" not in answer.text
    assert [outcome.withdrawn for outcome in kept(exam, me)] == [True, False]


def test_without_the_form_token_nothing_is_taken(visitor, exam, me):
    assert visitor.post(address(exam), data=FULL).status_code == 400
    assert visitor.post(f"{address(exam)}/withdraw", data=FULL).status_code == 400
    assert kept(exam, me) == []


@pytest.mark.parametrize(
    ("who", "group", "status"),
    [("tutor", "north", 403), ("admin", "north", 403), ("radiologist", "south", 404)],
)
def test_others_are_refused(login, exam, me, who, group, status):
    stranger = login(who, group)
    for path in (address(exam), f"{address(exam)}/withdraw"):
        assert stranger.submit(path, FULL).status_code == status
    assert kept(exam, me) == []


def test_who_may_not_enter_one_is_not_offered_it(login, visitor, me):
    image = add_image(add_exam(accounts.find("tutor@north.example"), synthetic=True))
    db.session.commit()
    assert "Enter an outcome" in visitor.get(f"/cases/{image.exam.uid}").text
    page = login("tutor").get(f"/cases/{image.exam.uid}").text
    assert "Enter an outcome" not in page
    assert "Not known yet." in page
