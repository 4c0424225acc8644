"""Marking a case for teaching over HTTP: check, preview, confirmation, undo."""

from __future__ import annotations

import io
import re

import pytest

from tests.scans import dicom
from tests.support import Visitor

SECRETS = ("REF-4711", "ACC-0815", "doe_jane", "sister of the baker", "Doe^Jane", "20260102", "/originals/")
JSON = {"Accept": "application/json"}


@pytest.fixture
def scan(login) -> str:
    """The uid of a radiologist's image with everything that tells who the patient is."""
    file = (io.BytesIO(dicom(1, PatientName="Doe^Jane", StudyDate="20260102")), "doe_jane.dcm")
    said = {"patient_reference": "REF-4711", "accession": "ACC-0815", "note": "sister of the baker"}
    answer = login().submit("/uploads", {"files": [file], **said}, page="/upload", headers=JSON)
    return answer.json["files"][0]["image_uid"]


def mark(visitor: Visitor, image: str, **said: str):
    form = {"title": "A small mass", "truth": "benign", "known_by": "pathology", "confirmed": "y", **said}
    return visitor.submit(f"/teaching/mark/{image}/0", form)


def case_of(answer) -> str:
    assert answer.status_code == 303, answer.text
    return re.search(r"/teaching/cases/([0-9a-f]{32})", answer.location)[1]


def test_the_case_page_leads_to_the_check_and_the_check_names_without_quoting(login, scan):
    radiologist = login()
    case = re.search(r"/cases/[0-9a-f]{32}", radiologist.get("/").text)[0]
    assert f"/teaching/mark/{scan}/0" in radiologist.get(case).text
    page = radiologist.get(f"/teaching/mark/{scan}/0").text
    assert all(name in page for name in ("PatientName", "StudyDate"))
    assert "a word that may be a name" in page
    assert "patient reference, accession number, note" in page
    assert "no program can tell for sure" in page
    main = page[page.index("<main") :]
    assert not any(secret in main for secret in SECRETS)


def test_after_marking_a_tutor_sees_it_de_identified_everywhere(login, scan):
    uid = case_of(mark(login(), scan, notes="Ask about the margin."))
    tutor = login("tutor")
    page = tutor.get(f"/teaching/cases/{uid}").text
    assert "Ask about the margin." in page
    for text in (page, tutor.get("/teaching").text, tutor.get("/").text):
        assert not any(secret in text for secret in (*SECRETS, scan))
    picture = tutor.get(f"/teaching/cases/{uid}/scan.png")
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert picture.headers["Cache-Control"] == "no-store"
    for address in (
        f"/media/images/{scan}/0.png",
        f"/media/originals/{scan}",
        f"/teaching/mark/{scan}/0",
        f"/teaching/mark/{scan}/0.png",
    ):
        assert tutor.get(address).status_code == 404, address
    assert scan not in tutor.get("/history.csv").text


def test_without_the_confirmation_nothing_is_marked_and_what_was_typed_stays(login, scan):
    radiologist = login()
    answer = mark(radiologist, scan, confirmed="", notes="Ask about the margin.")
    assert answer.status_code == 422
    assert "confirm that nothing in it tells" in answer.text
    assert "Ask about the margin." in answer.text
    assert "No teaching cases yet" in radiologist.get("/teaching").text


def test_looking_again_at_the_cut_picture_marks_nothing(login, scan):
    radiologist = login()
    answer = mark(radiologist, scan, act="look", top="12")
    assert answer.status_code == 200
    assert "top=12" in answer.text
    assert radiologist.get(f"/teaching/mark/{scan}/0.png?top=12").status_code == 200
    assert radiologist.get(f"/teaching/mark/{scan}/0.png?top=47").status_code == 422
    assert "No teaching cases yet" in radiologist.get("/teaching").text


def test_taking_out_is_undone_by_the_button_of_the_list(login, scan):
    uid = case_of(mark(login(), scan))
    tutor = login("tutor")
    answer = tutor.submit(f"/teaching/cases/{uid}/out", {}, follow_redirects=True)
    assert f"/teaching/cases/{uid}/back" in answer.text
    assert tutor.get(f"/teaching/cases/{uid}").status_code == 404
    tutor.submit(f"/teaching/cases/{uid}/back", {})
    assert tutor.get(f"/teaching/cases/{uid}").status_code == 200


def test_what_is_said_of_a_case_can_be_changed_and_faults_are_shown(login, scan):
    uid = case_of(mark(login(), scan))
    tutor = login("tutor")
    said = {"title": "Round and smooth", "truth": "", "known_by": "", "notes": ""}
    assert tutor.submit(f"/teaching/cases/{uid}", said).status_code == 303
    assert "truth not known" in tutor.get("/teaching").text
    answer = tutor.submit(f"/teaching/cases/{uid}", {**said, "title": " "})
    assert answer.status_code == 422
    assert "Give a title" in answer.text


@pytest.mark.parametrize("path", ["/teaching/cases/{uid}", "/teaching/cases/{uid}/scan.png"])
@pytest.mark.parametrize(
    ("who", "group", "status"),
    [("radiologist", "south", 404), ("tutor", "south", 404), ("admin", "north", 403)],
)
def test_others_find_nothing(login, scan, path, who, group, status):
    uid = case_of(mark(login(), scan))
    assert login(who, group).get(path.format(uid=uid)).status_code == status


def test_a_marking_without_the_form_token_is_refused(login, scan):
    assert login().post(f"/teaching/mark/{scan}/0", data={"title": "x", "confirmed": "y"}).status_code == 400


@pytest.mark.parametrize("query", ["before=x", "before=-1", f"before={'9' * 30}"])
def test_a_damaged_address_of_a_page_is_told(login, query):
    assert login("tutor").get(f"/teaching?{query}").status_code == 400
