"""Who sees which case: a table of (who, case)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.webapp.rows import add_exam, add_image
from webapp.errors import Forbidden, NotFound
from webapp.extensions import db
from webapp.models import Exam, User
from webapp.permissions import require_exam, require_image, require_writer, visible_exams
from webapp.services import accounts

CASES = {
    "of the radiologist": ("radiologist@north.example", False),
    "of a colleague": ("colleague@north.example", False),
    "synthetic": ("colleague@north.example", True),
    "of the tutor": ("tutor@north.example", False),
    "of the other group": ("radiologist@south.example", False),
    "synthetic of the other group": ("radiologist@south.example", True),
}
NORTH = {"of the radiologist", "of a colleague", "synthetic", "of the tutor"}
SEES = {
    "radiologist@north.example": NORTH,
    "colleague@north.example": NORTH,
    "tutor@north.example": {"of the tutor", "synthetic"},
    "admin@north.example": set(),
    "radiologist@south.example": {"of the other group", "synthetic of the other group"},
    "tutor@south.example": {"synthetic of the other group"},
}


def someone(email: str) -> User:
    user = accounts.find(email)
    assert user is not None
    return user


@pytest.fixture
def cases(app: Flask) -> dict[str, str]:
    """The cases of the table: what it is -> uid. Each has one image."""
    with app.app_context():
        made = {}
        for what, (owner, synthetic) in CASES.items():
            exam = add_exam(someone(owner), synthetic=synthetic, note=what)
            add_image(exam)
            made[what] = exam.uid
        db.session.commit()
        return made


@pytest.mark.parametrize("who", SEES)
def test_each_person_lists_exactly_the_cases_of_the_table(
    app: Flask, cases: dict[str, str], who: str
) -> None:
    with app.app_context():
        assert set(db.session.scalars(visible_exams(someone(who)).with_only_columns(Exam.note))) == SEES[who]


@pytest.mark.parametrize("who", SEES)
def test_each_person_opens_exactly_the_cases_and_images_of_the_table(
    app: Flask, cases: dict[str, str], who: str
) -> None:
    with app.app_context():
        user = someone(who)
        for what, uid in cases.items():
            image = db.session.scalars(sa.select(Exam).where(Exam.uid == uid)).one().images[0]
            if what in SEES[who]:
                assert require_exam(user, uid).note == what
                assert require_image(user, image.uid) is image
            else:
                with pytest.raises(NotFound):
                    require_exam(user, uid)
                with pytest.raises(NotFound):
                    require_image(user, image.uid)


def test_forbidden_and_missing_are_not_to_be_told_apart(app: Flask, cases: dict[str, str]) -> None:
    with app.app_context():
        said = []
        for uid in (cases["of the other group"], "0" * 32):
            with pytest.raises(NotFound) as refused:
                require_exam(someone("radiologist@north.example"), uid)
            said.append(refused.value.message)
    assert said[0] == said[1]


def test_without_a_role_nothing_is_seen(app: Flask, cases: dict[str, str]) -> None:
    with app.app_context():
        user = someone("radiologist@north.example")
        user.roles = []
        assert db.session.scalars(visible_exams(user)).all() == []


def test_two_roles_see_what_either_sees(app: Flask, cases: dict[str, str]) -> None:
    with app.app_context():
        user = someone("tutor@north.example")
        user.roles.append(accounts.role("radiologist"))
        assert set(db.session.scalars(visible_exams(user).with_only_columns(Exam.note))) == NORTH


@pytest.mark.parametrize("who", SEES)
def test_only_radiologists_and_tutors_write(app: Flask, who: str) -> None:
    with app.app_context():
        if who.startswith("admin"):
            with pytest.raises(Forbidden):
                require_writer(someone(who))
        else:
            require_writer(someone(who))
