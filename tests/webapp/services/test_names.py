"""Words from outside are made fit to be kept and shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.services.names import clean_filename, clean_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("scan.png", "scan.png"),
        ("C:\\Users\\me\\scan.png", "scan.png"),
        ("../../etc/passwd", "passwd"),
        ("left/right.dcm", "right.dcm"),
        ("scan\u202egnp.exe", "scangnp.exe"),
        ("a\x00b\r\nc.png", "ab c.png"),
        ("Müller.png", "Müller.png"),
        ("", "unnamed"),
        (None, "unnamed"),
        ("\u200b\u2066", "unnamed"),
        ("folder/", "unnamed"),
    ],
)
def test_a_file_name_is_its_last_part_without_anything_invisible(raw, clean):
    assert clean_filename(raw) == clean


def test_a_long_file_name_keeps_its_ending():
    assert clean_filename("x" * 400 + ".dcm") == "x" * 251 + ".dcm"


@given(st.text())
def test_a_file_name_is_always_fit_to_show(raw):
    name = clean_filename(raw)
    assert 0 < len(name) <= 255
    assert not any(unicodedata.category(character)[0] == "C" for character in name)
    assert "/" not in name
    assert "\\" not in name
    name.encode()


def test_a_reference_that_is_too_long_is_not_cut_to_another_patients():
    assert clean_text("P" * 64, 64) == "P" * 64
    assert clean_text("P" * 65, 64) is None


@pytest.mark.parametrize("raw", [None, "", "  \t", "\x00\x01"])
def test_nothing_visible_is_none(raw):
    assert clean_text(raw, 64) is None
