"""A reader's answer over HTTP, with and without scripts."""

from __future__ import annotations

import pytest

from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp.extensions import db
from webapp.forms.reads import MAX_COMMENT
from webapp.services import accounts, reads

HTMX = {"HX-Request": "true"}
FULL = {
    "agrees": "no",
    "own_class": "malignant",
    "birads": "4B",
    "confidence": "75",
    "heatmap_on_lesion": "partly",
    "comment": "Spiculated.\r\nBiopsy.",
}


@pytest.fixture
def visitor(login):
    return login("radiologist")


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


@pytest.fixture
def image(me):
    image = add_image(add_exam(me))
    db.session.commit()
    return image


def address(image) -> str:
    return f"/cases/{image.exam.uid}/images/{image.uid}/reads"


def kept(image, me):
    db.session.expire_all()
    return reads.history(me, image.uid)


def test_every_field_of_the_form_is_kept(visitor, image, me):
    analysis = add_analysis(image)
    db.session.commit()
    answer = visitor.submit(address(image), {**FULL, "analysis": analysis.uid})
    assert answer.status_code == 303
    (read,) = kept(image, me)
    assert (read.agrees, read.own_class, read.birads, read.confidence) == (False, "malignant", "4B", 75)
    assert (read.heatmap_on_lesion, read.comment) == ("partly", "Spiculated.\nBiopsy.")
    assert read.analysis_id == analysis.id


def test_without_scripts_the_case_page_comes_back_and_says_saved(visitor, image):
    answer = visitor.submit(address(image), FULL, follow_redirects=True)
    assert "Read saved, version 1." in answer.text
    assert "<html" in answer.text


def test_htmx_gets_the_reads_alone_with_the_form_for_the_next_version(visitor, image):
    answer = visitor.submit(address(image), FULL, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="reads">')
    assert "Save as version 2" in answer.text


def test_the_next_version_speaks_of_the_analysis_that_is_on_the_screen(visitor, image):
    first, second = (add_analysis(image, frame=frame, malignant=0.1 + 0.8 * frame) for frame in (0, 1))
    db.session.commit()
    page = visitor.submit(address(image), {**FULL, "analysis": first.uid}, headers=HTMX).text
    assert f'name="analysis" value="{first.uid}"' in page
    assert second.uid not in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birads", "7"),
        ("own_class", "cyst"),
        ("confidence", "101"),
        ("agrees", "maybe"),
        ("comment", "x" * (MAX_COMMENT + 1)),
    ],
)
def test_a_wrong_value_is_told_beside_its_field_and_nothing_typed_is_lost(visitor, image, me, field, value):
    typed = {**FULL, "comment": "Keep me", field: value}
    answer = visitor.submit(address(image), typed, headers=HTMX)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert ("Keep me" in answer.text) or field == "comment"
    assert kept(image, me) == []


def test_an_empty_form_is_told_so(visitor, image):
    answer = visitor.submit(address(image), {}, headers=HTMX)
    assert answer.status_code == 422
    assert "Nothing is filled in yet" in answer.text


def test_a_read_without_the_form_token_is_not_taken(visitor, image, me):
    assert visitor.post(address(image), data=FULL).status_code == 400
    assert kept(image, me) == []


def test_the_token_in_the_header_is_enough_for_scripts(visitor, image, me):
    headers = {**HTMX, "X-CSRFToken": visitor.token()}
    assert visitor.post(address(image), data=FULL, headers=headers).status_code == 200
    assert len(kept(image, me)) == 1


def test_the_second_version_is_filled_with_the_first(visitor, image):
    page = visitor.submit(address(image), FULL, headers=HTMX).text
    assert '<option selected value="4B">' in page
    assert "Spiculated." in page
