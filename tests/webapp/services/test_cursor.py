"""The place of a page in the history, as it stands in an address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from webapp.errors import BadRequest
from webapp.services.history import Cursor

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("damaged", ["", "x", "12", "12-", "-1", "1-2-3", "١-٢", "9" * 40 + "-1"])
def test_a_damaged_cursor_is_refused(damaged):
    with pytest.raises(BadRequest):
        Cursor.parse(damaged)


def test_a_cursor_survives_the_address():
    cursor = Cursor(NOON + timedelta(microseconds=1), 7)
    assert Cursor.parse(str(cursor)) == cursor
