"""A file name that carries a reference, a date, a number or a name of a patient is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.services.name_hints import holds_any, of_filename

SEPARATORS = st.sampled_from(["", "-", "_", " ", ".", " - "])
LETTERS = st.characters(codec="utf-8", categories=["Lu", "Ll", "Nd"])


@pytest.mark.parametrize(
    ("filename", "seen"),
    [
        ("scan.png", ()),
        ("left-radial.png", ()),
        ("IMG_0012.jpg", ()),
        ("synthetic-03-smooth.loop.dcm", ()),
        ("busi benign (12).png", ()),
        ("US 3 o clock right breast.dcm", ()),
        ("MUELLER_ANNA.dcm", ("a word that may be a name",)),
        ("Müller.png", ("a word that may be a name",)),
        ("doe^jane.dcm", ("a word that may be a name",)),
        ("scan-2026-01-31.png", ("a date",)),
        ("scan 3.2.1961.png", ("a date",)),
        ("20260131.dcm", ("a date", "a long number")),
        ("31012026.dcm", ("a date", "a long number")),
        ("4711008.dcm", ("a long number",)),
        ("20012000.dcm", ("a date", "a long number")),
        ("99999999.dcm", ("a long number",)),
        (".png", ()),
        ("", ()),
    ],
)
def test_each_kind_of_name_is_told_apart(filename, seen):
    assert of_filename(filename) == seen


@given(
    st.text(LETTERS, min_size=4, max_size=30),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.data(),
)
def test_a_reference_is_found_however_it_is_written(reference, around, data):
    """In other capitals, with anything that is no letter and no digit between its characters."""
    spelled = "".join(
        each + data.draw(SEPARATORS) for each in data.draw(st.sampled_from((reference, reference.upper())))
    )
    assert holds_any(f"{around} {spelled} {around}", [reference])
    assert "the patient reference" in of_filename(f"{around} {spelled}.png", reference=reference)
    assert "the accession number" in of_filename(f"{around} {spelled}.png", accession=reference)


@given(st.dates(), st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%m_%d_%Y", "%d%m%Y", "%Y.%m.%d"]))
def test_a_date_is_found_in_any_order(day, form):
    if 1900 <= day.year < 2100:
        assert "a date" in of_filename(f"scan_{day.strftime(form)}_left.png")


@given(st.text(max_size=255), st.none() | st.text(max_size=64), st.none() | st.text(max_size=64))
def test_any_name_is_answered_and_nothing_of_it_is_quoted(filename, reference, accession):
    words = of_filename(filename, reference, accession)
    assert set(words) <= {
        "the patient reference",
        "the accession number",
        "a date",
        "a long number",
        "a word that may be a name",
    }


def test_a_short_reference_must_stand_alone():
    assert holds_any("Patient P-1, left", ["P1"])
    assert not holds_any("step 12", ["p1"])
    assert not holds_any("anything", [None, "", "--"])
