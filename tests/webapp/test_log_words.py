"""An entry of the log in words: nobody has to know what a key of its detail means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webapp.log_words import log_act, log_detail, log_who
from webapp.models import ACTIONS
from webapp.services.log_search import Line


def line(action: str = "viewed", object_type: str = "image", **more: object) -> Line:
    said = {"number": 1, "at": datetime(2026, 1, 2, tzinfo=UTC), "actor_id": 7, "who": "Robin"}
    said |= {"object_uid": "i" * 32, "about": None, "case_uid": None, "detail": {}}
    said |= {"remote_addr": None, "entry_hash": "0" * 64}
    return Line(**{**said, "action": action, "object_type": object_type, **more})


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"frame": 0}, "image 2, frame 1"),
        ({"network": "resnet 3", "checksum": "ab" * 32}, "image 2, network resnet 3, weights abababab"),
        ({"network": "ab" * 32}, "image 2, network abababab"),
        ({"size_bytes": 12_345, "frames": 3}, "image 2, 12 kB, 3 frames"),
        ({"changed": ["name", "theme"]}, "image 2, changed name and theme"),
        ({"code": "image_too_small", "again": False}, "image 2, reason: image too small"),
        ({"laterality": "L", "undo": True, "something_new": 5}, "image 2, left, undo, something new 5"),
    ],
)
def test_each_detail_is_said_in_words_and_an_unknown_one_by_its_name(
    detail: dict[str, object], words: str
) -> None:
    assert log_detail(line(detail=detail), {"i" * 32: 2}) == words


def test_where_nobody_acted_the_subject_is_the_server_or_somebody() -> None:
    assert log_who(line()) == "Robin"
    assert log_who(line("analysed", who=None)) == "The server"
    assert log_who(line("sign_in_failed", who=None)) == "Somebody"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_act_has_its_words_and_names_whom_it_was_about(action: str) -> None:
    assert log_act(line(action)) == ACTIONS[action]
    assert log_act(line("locked", "user", about="Toni")) == "locked an account: Toni"


def test_an_act_that_is_not_known_any_more_is_said_by_its_name() -> None:
    assert log_act(line("gone_away")) == "gone away"


def test_looking_says_at_which_log() -> None:
    assert log_act(line("log_viewed", "case_log")) == "looked at a log: case log"
    assert log_act(line("log_verified", "audit_log")) == "verified the log"
