"""New passwords: long enough and not easy to guess, whatever signs they are made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.services import passwords

ABOUT = ("Ada Lovelace", "ada.lovelace@north.example", "Northern Breast Centre")


@pytest.mark.parametrize(
    "easy",
    [
        "123456789012", "qwertyuiop12", "password1234", "P4ssw0rd!P4ssw0rd!", "iloveyou1234",
        "aaaaaaaaaaaaaaaa", "administrator1", "abcdefghijklm", "passwordpassword", "SecondRead2026",
        "radiology2026", "lovelace2026", "AdaLovelace1", "northern2026",
    ],
)  # fmt: skip
def test_what_would_be_tried_first_is_refused_with_the_remedy(easy: str) -> None:
    assert len(easy) >= passwords.SHORTEST
    assert "easy to guess" in passwords.problem(easy, ABOUT)


@pytest.mark.parametrize(
    "good",
    [
        "correct horse battery", "kwzpqhtdgmrv", "830174652918", "пароль на завтра", "ein guter, langer Satz",
        "x7" + "q!Lm0vB2" * 12,
    ],
)  # fmt: skip
def test_any_kind_of_signs_will_do(good: str) -> None:
    assert passwords.problem(good, ABOUT) == ""


@pytest.mark.parametrize("length", [0, 11, 1025])
def test_too_short_and_too_long_are_told_with_the_limits(length: int) -> None:
    assert passwords.problem("k" * length) == "The password needs 12 to 1024 characters."


@given(st.text(max_size=1100), st.lists(st.text(max_size=40), max_size=3))
def test_whatever_is_typed_gets_an_answer_that_does_not_repeat_it(typed: str, about: list[str]) -> None:
    words = passwords.problem(typed, about)
    assert len(typed) < passwords.SHORTEST or typed not in words
