"""A radiologist's day over HTTP, form token and all: what is told in the morning is there in the evening."""

from __future__ import annotations

import csv
import io
import re

import cv2
import numpy as np
import pytest

import ml
from ml.data import phantom
from tests.ml.conftest import write_weights
from tests.scans import dicom, png
from tests.support import Visitor
from webapp import create_app
from webapp.extensions import db
from webapp.services import inference

JSON = {"Accept": "application/json"}
HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def network(weights):
    return ml.Predictor(weights, threads=1)


@pytest.fixture
def app(config, weights, network):
    """The application of the story, with its network loaded already."""
    app = create_app(config.model_copy(update={"ml_weights": weights}))
    app.test_client_class = Visitor
    app.extensions["predictors"] = {network.card.checksum: network}
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def work(app):
    """What the worker does while the radiologist drinks coffee."""

    def work() -> None:
        with app.app_context():
            while inference.run_next("story"):
                pass

    return work


def send(visitor: Visitor, *files: tuple[str, bytes], **fields: str) -> list[dict[str, str]]:
    parts = [(io.BytesIO(data), name) for name, data in files]
    answer = visitor.submit("/uploads", {"files": parts, **fields}, page="/upload", headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json["files"]


def rows(page: str) -> list[str]:
    """The names of the cases on the worklist, in order."""
    return re.findall(r'class="case-link"[^>]*>([^<]+)</a>', page)


def exported(visitor: Visitor, query: str = "") -> list[dict[str, str]]:
    text = visitor.get(f"/history.csv{query}").get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_from_the_first_upload_to_the_export_in_the_evening(login, work):
    radiologist = login("radiologist")

    # The morning: a PNG, a DICOM loop and a letter that is no scan.
    (loop,) = send(radiologist, ("loop.dcm", dicom(2, frames=3, AccessionNumber="ACC-2", PatientID="P-2")))
    first, letter = send(
        radiologist,
        ("left.png", png(1, 120, 160)),
        ("letter.txt", b"Dear colleague"),
        patient_reference="P-1",
        laterality="L",
        view="radial",
    )
    assert (first["state"], loop["state"], letter["state"]) == ("accepted", "accepted", "refused")
    page_of_first = f"{first['case_url']}/images/{first['image_uid']}"
    waiting = radiologist.get(first["case_url"]).text
    assert "Waiting for its turn" in waiting
    assert "left, radial" in waiting

    # The second read comes by itself.
    work()
    part = radiologist.get(f"{page_of_first}/result?frame=0&known=queued-0-0").text
    assert "in cross-validation" in part
    analysis = re.search(r'data-analysis="([0-9a-f]{32})"', part)[1]
    for picture in (
        f"/media/images/{first['image_uid']}/0.png",
        f"/media/thumbnails/{first['image_uid']}.png",
        f"/media/heatmaps/{analysis}/malignant.png",
    ):
        answer = radiologist.get(picture)
        assert (answer.status_code, answer.mimetype) == (200, "image/png"), picture
        assert {"private", "no-store"} & set(answer.headers["Cache-Control"].split(", "))
        again = radiologist.get(picture, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304

    # Another frame of the loop is asked for.
    page_of_loop = f"{loop['case_url']}/images/{loop['image_uid']}"
    radiologist.submit(f"{page_of_loop}/analyse", {"frame": "2"}, headers=HTMX)
    work()
    assert "in cross-validation" in radiologist.get(f"{page_of_loop}/result?frame=2").text

    # The own read, and second thoughts.
    said = {"agrees": "no", "own_class": "benign", "birads": "3", "analysis": analysis}
    assert "version 1" in radiologist.submit(f"{page_of_first}/reads", said, headers=HTMX).text
    later = {**said, "birads": "4A", "comment": "=Margin indistinct"}
    assert "version 2" in radiologist.submit(f"{page_of_first}/reads", later, headers=HTMX).text

    # A colleague finds the case, sees both versions, adds an own read and changes none of them.
    colleague = login("colleague")
    assert rows(colleague.get("/?q=p-1").text) == ["P-1"]
    page = colleague.get(first["case_url"]).text
    assert "BI-RADS 3" in page
    assert "BI-RADS 4A" in page
    colleague.submit(f"{page_of_first}/reads", {"own_class": "malignant", "birads": "4B"}, headers=HTMX)

    # The evening: the history knows what was read, the export has a line for each reader.
    assert rows(radiologist.get("/").text) == ["P-1", "P-2"]
    assert rows(radiologist.get("/?reading=read").text) == ["P-1"]
    assert rows(radiologist.get("/?reading=unread_by_me").text) == ["P-2"]
    lines = exported(radiologist, "?reading=read")
    said_by = [(line["reader"], line["birads"]) for line in lines]
    assert said_by == [("Radiologist", "4A"), ("Colleague", "4B")]
    assert lines[0]["comment"] == "'=Margin indistinct"
    original = radiologist.get(f"/media/originals/{first['image_uid']}")
    assert original.data == png(1, 120, 160)
    assert "attachment" in original.headers["Content-Disposition"]

    # Another hospital sees nothing of all this.
    stranger = login("radiologist", "south")
    assert rows(stranger.get("/").text) == []
    assert exported(stranger) == []
    assert stranger.get(page_of_first).status_code == 404


def test_the_day_goes_on_after_signing_out_and_in_again(login, work):
    radiologist = login("radiologist")
    (scan,) = send(radiologist, ("a.png", png(7)))
    work()
    page = f"{scan['case_url']}/images/{scan['image_uid']}"
    radiologist.submit("/logout", {})
    assert radiologist.get(page).location.startswith("/login")
    radiologist.sign_in("radiologist@north.example")
    assert radiologist.submit(f"{page}/reads", {"birads": "2"}).status_code == 303
    assert rows(radiologist.get("/").text) == ["a.png"]


def test_the_same_scan_twice_is_one_case(login, work):
    radiologist = login("radiologist")
    (first,) = send(radiologist, ("a.png", png(8)))
    (again,) = send(radiologist, ("other name.png", png(8)))
    assert (again["state"], again["case_url"]) == ("seen", first["case_url"])
    assert len(rows(radiologist.get("/").text)) == 1


def test_a_copy_saved_anew_under_another_patient_is_told_at_both_cases_and_in_no_other_group(login, work):
    pixels = phantom.draw("cyst", 5, (192, 224), 0.2).pixels
    kinds = ((".png", pixels), (".jpg", pixels), (".jpg", np.ascontiguousarray(pixels[:, ::-1])))
    original, saved_anew, mirrored = (cv2.imencode(kind, image)[1].tobytes() for kind, image in kinds)
    radiologist, south = login("radiologist"), login("radiologist", "south")
    (first,) = send(radiologist, ("scan.png", original), patient_reference="P-1")
    work()
    page = f"{first['case_url']}/images/{first['image_uid']}"
    assert "Near copy" not in radiologist.get(page).text
    radiologist.submit(f"{page}/reads", {"own_class": "benign"})

    (second,) = send(radiologist, ("copy.jpg", saved_anew), patient_reference="P-2")
    (third,) = send(south, ("copy.jpg", mirrored), patient_reference="P-3")
    work()
    told = radiologist.get(f"{second['case_url']}/images/{second['image_uid']}/result").text
    said = f'Near copy of an image of case\n  <a href="{page}">P-1</a>, labelled benign by its newest read.'
    assert said in told
    news = radiologist.get(f"/news?image={second['image_uid']}").json
    assert said in news[second["image_uid"]]["near_copies"]
    told = radiologist.get(page).text
    assert re.search(r">P-2</a>, labelled (suspicious|not suspicious|out of scope) by the network\.", told)
    assert "P-3" not in told
    assert "Near copy" not in south.get(third["case_url"]).text

    (again,) = send(radiologist, ("other.jpg", mirrored), patient_reference="P-4")
    work()
    assert radiologist.get(again["case_url"]).text.count("Near copy (mirrored) of") == 2


def test_a_tutor_works_on_own_cases_and_sees_no_patients_of_the_practice(login, work):
    radiologist, tutor = login("radiologist"), login("tutor")
    (patient,) = send(radiologist, ("patient.png", png(9)))
    (own,) = send(tutor, ("class.png", png(10)))
    work()
    assert rows(tutor.get("/").text) == ["class.png"]
    assert tutor.get(patient["case_url"]).status_code == 404
    page = f"{own['case_url']}/images/{own['image_uid']}"
    assert tutor.submit(f"{page}/reads", {"birads": "2"}).status_code == 303


def test_an_admin_sees_no_case_and_changes_none(login, work):
    (scan,) = send(login("radiologist"), ("a.png", png(11)))
    work()
    admin = login("admin")
    page = f"{scan['case_url']}/images/{scan['image_uid']}"
    for address in (page, f"/media/originals/{scan['image_uid']}", "/history.csv"):
        assert admin.get(address).status_code == 403
    for address in (f"{page}/reads", f"{page}/analyse", "/uploads"):
        assert admin.submit(address, {"birads": "2", "frame": "0"}).status_code == 403
