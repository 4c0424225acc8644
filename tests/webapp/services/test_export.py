"""The CSV says what the history says, in lines that a spreadsheet opens and does not run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp.extensions import db
from webapp.models import Patient, Read
from webapp.services import accounts, export
from webapp.services.filters import Filters


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


def lines(user, filters=None) -> list[dict[str, str]]:
    db.session.commit()
    text = "".join(export.csv_lines(user, filters or Filters()))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_an_image_without_answer_and_read_has_a_line_of_its_own(me):
    exam = add_exam(me, accession="A1")
    add_image(exam, filename="left, upper.png")
    (line,) = lines(me)
    assert (line["case"], line["accession"], line["file"]) == (exam.uid, "A1", "left, upper.png")
    assert (line["class"], line["reader"], line["state"]) == ("", "", "none")


def test_each_reader_has_a_line_with_the_newest_version(me):
    image = add_image(add_exam(me))
    colleague = accounts.find("colleague@north.example")
    analysis = add_analysis(image)
    said = {"image_id": image.id, "analysis_id": analysis.id}
    db.session.add_all(
        [
            Read(**said, reader_id=me.id, version=1, birads="2"),
            Read(**said, reader_id=me.id, version=2, birads="4B", agrees=False, comment="two\nlines"),
            Read(**said, reader_id=colleague.id, version=1, birads="3"),
        ]
    )
    found = {line["reader"]: line for line in lines(me)}
    assert {name: line["birads"] for name, line in found.items()} == {"Radiologist": "4B", "Colleague": "3"}
    mine = found["Radiologist"]
    assert (mine["read_version"], mine["agrees"], mine["comment"]) == ("2", "no", "two\nlines")
    assert (mine["class"], mine["p_malignant"], mine["call"], mine["analysed_frame"]) == (
        "normal",
        "0.2",
        "suspicious",
        "1",
    )


def test_figures_of_an_image_out_of_scope_are_left_out_and_the_reason_is_given(me):
    image = add_image(add_exam(me))
    add_analysis(image, out_of_scope=True, reason="A photo.")
    (line,) = lines(me)
    assert (line["out_of_scope"], line["reason"], line["network"]) == ("yes", "A photo.", "tiny")
    assert {line[name] for name in export.FIGURES} == {""}


def test_a_class_that_the_network_does_not_know_is_an_empty_cell(me):
    add_analysis(
        add_image(add_exam(me)), probabilities={"benign": 0.3, "malignant": 0.7}, top_label="malignant"
    )
    (line,) = lines(me)
    assert (line["class"], line["p_benign"], line["p_malignant"]) == ("malignant", "0.3", "0.7")
    assert line["p_normal"] == ""


def test_nothing_of_another_group_is_in_the_file(me):
    add_image(add_exam(accounts.find("radiologist@south.example")))
    assert lines(me) == []


def test_the_file_holds_what_the_filters_leave(me):
    add_image(add_exam(me, accession="A1"))
    add_image(add_exam(me, accession="B2"))
    assert [line["accession"] for line in lines(me, Filters(text="b2"))] == ["B2"]


def test_a_patient_reference_that_looks_like_a_formula_is_written_as_text(me):
    patient = Patient(group_id=me.group_id, reference='=HYPERLINK("http://x","y")')
    add_image(add_exam(me, patient=patient), filename="@SUM(A1).png")
    (line,) = lines(me)
    assert line["reference"] == '\'=HYPERLINK("http://x","y")'
    assert line["file"] == "'@SUM(A1).png"


@given(st.text())
def test_no_text_begins_a_cell_with_a_sign_that_spreadsheets_run(text):
    kept = str(export.safe(text))
    assert not kept.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert kept.removeprefix("'") == text.removeprefix("'")


def test_numbers_stay_numbers():
    assert export.safe(-0.5) == -0.5
    assert export.safe(None) is None
