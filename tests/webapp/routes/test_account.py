"""The account page keeps what was typed and says what is wrong beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import Visitor

LIKED = {"name": "Robin", "timezone": "Europe/Berlin", "theme": "light", "density": "compact"}


def test_settings_are_saved_and_shown(login: Callable[..., Visitor]) -> None:
    visitor = login()
    answer = visitor.submit("/account", LIKED, follow_redirects=True)
    assert 'value="Robin"' in answer.text
    assert '<option value="Europe/Berlin" selected>' in answer.text
    assert 'data-bs-theme="light"' in answer.text
    assert 'data-density="compact"' in answer.text


def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(login: Callable[..., Visitor]) -> None:
    answer = login().submit("/account", {**LIKED, "timezone": "Mars/Olympus", "name": "<b>Robin"})
    assert answer.status_code == 422
    assert "There is no such time zone." in answer.text
    assert 'value="&lt;b&gt;Robin"' in answer.text


@pytest.mark.parametrize(
    ("left", "back"),
    [
        ("http://localhost/account?a=1", "/account?a=1"),
        ("http://localhost/", "/"),
        ("http://evil.example/account", "/account"),
        ("http://localhost//evil.example", "/account"),
        (None, "/account"),
    ],
)
def test_the_theme_switch_leads_back_to_the_page_left_if_that_is_ours(
    login: Callable[..., Visitor], left: str | None, back: str
) -> None:
    headers = {"Referer": left} if left else {}
    answer = login().submit("/account/theme", {"theme": "light"}, headers=headers)
    assert answer.location == back


def test_a_theme_that_does_not_exist_is_refused(login: Callable[..., Visitor]) -> None:
    assert login().submit("/account/theme", {"theme": "pink"}).status_code == 422
