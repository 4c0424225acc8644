"""The filters in an address mean what they say, in the reader's time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from webapp.forms.filters import FilterForm
from webapp.services.filters import Filters

BERLIN = ZoneInfo("Europe/Berlin")
READERS = [(3, "Dr A"), (9, "Dr B")]


def form(**arguments: str) -> FilterForm:
    made = FilterForm(MultiDict(arguments)).with_readers(READERS)
    made.validate()
    return made


def test_an_empty_address_asks_for_every_case():
    assert form().filters(BERLIN) == Filters()
    assert form(label="", reader="").address() == {}


def test_days_begin_at_midnight_of_the_reader_and_the_last_day_is_included():
    filters = form(since="2026-05-04", until="2026-05-04").filters(BERLIN)
    assert filters.since == datetime(2026, 5, 3, 22, tzinfo=UTC)
    assert filters.until == datetime(2026, 5, 4, 22, tzinfo=UTC)


def test_the_day_on_which_clocks_change_has_its_own_length():
    filters = form(since="2026-10-25", until="2026-10-25").filters(BERLIN)
    assert (filters.until - filters.since).total_seconds() == 25 * 3600


def test_all_fields_are_read():
    filters = form(q=" P-1 ", label="benign", result="failed", reading="unread", reader="9").filters(BERLIN)
    assert filters == Filters("P-1", "benign", "failed", reader=9, reading="unread")


def test_wrong_values_are_marked_and_left_out():
    made = form(label="nonsense", since="yesterday", reader="77", result="suspicious")
    assert set(made.errors) == {"label", "since", "reader"}
    assert made.filters(BERLIN) == Filters(result="suspicious")
    assert made.address() == {"result": "suspicious"}


def test_the_address_says_the_same_again():
    made = form(q="P-1", since="2026-05-04", reader="3")
    again = form(**made.address())
    assert again.filters(BERLIN) == made.filters(BERLIN)
