"""Values are said in words that are true at the ends of the scale too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import render_template_string

from webapp import presentation

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "<0.01"), (0.0099, "<0.01"), (0.01, "0.01"), (0.274, "0.27"), (0.99, "0.99"), (0.9999, ">0.99")],
)
def test_a_probability_never_claims_certainty(value, words):
    assert presentation.probability(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.002, "fewer than 1"), (0.27, "about 27"), (0.014, "about 1"), (0.996, "more than 99")],
)
def test_a_probability_is_a_count_out_of_a_hundred(value, words):
    assert presentation.of_hundred(value) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=119), "1 hour ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_time_passed_is_said_in_one_unit(passed, words):
    assert presentation.ago(NOON - passed, NOON) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1400, "1.4 kB"), (67_108_864, "67.1 MB"), (500 * 10**9, "500 GB")],
)
def test_sizes_keep_a_digit_before_the_point(size, words):
    assert presentation.file_size(size) == words


def test_a_length_without_spacing_is_not_said():
    assert presentation.millimetres(100, None) is None
    assert presentation.millimetres(560, 0.08) == "45 mm"


def test_times_are_absolute_in_utc_for_machines_and_in_the_zone_for_people(app):
    with app.test_request_context():
        html = render_template_string("{{ instant|local_time }}", instant=NOON)
    assert 'datetime="2026-05-04T12:00:00+00:00"' in html
    assert ">2026-05-04 12:00</time>" in html
