"""Files sent to the server are answered each by itself, with and without JavaScript."""

from __future__ import annotations

import io
import zipfile

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.scans import png
from tests.support import Visitor
from tests.webapp.rows import add_near_copy
from webapp import create_app
from webapp.extensions import db
from webapp.models import Image

JSON = {"Accept": "application/json"}


@pytest.fixture
def visitor(login):
    return login("radiologist")


def send(visitor, *files: tuple[str, bytes], headers=JSON, **fields):
    parts = [(io.BytesIO(data), name) for name, data in files]
    return visitor.submit("/uploads", {"files": parts, **fields}, headers=headers)


def test_programs_get_one_answer_a_file_with_the_way_to_its_case(visitor):
    answer = send(visitor, ("a.png", png(1)), ("b.txt", b"hello"), ("a again.png", png(1)), accession="A1")
    first, second, third = answer.json["files"]
    assert (first["name"], first["state"], second["state"], third["state"]) == (
        "a.png",
        "accepted",
        "refused",
        "seen",
    )
    assert second["code"] == "not_an_image"
    assert second["case_url"] is None
    assert visitor.get(first["case_url"]).status_code == 200
    assert (third["case_url"], third["image_uid"]) == (first["case_url"], first["image_uid"])


def test_without_javascript_the_verdicts_are_a_page(visitor):
    answer = send(visitor, ("a.png", png(1)), ("<b>.txt", b"hello"), headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "a.png" in answer.text
    assert "&lt;b&gt;.txt" in answer.text
    assert "/cases/" in answer.text


def test_without_javascript_the_page_tells_of_near_copies_that_are_known(visitor, app):
    (first,) = send(visitor, ("a.png", png(1)), accession="A-1").json["files"]
    (second,) = send(visitor, ("b.png", png(2)), accession="A-2").json["files"]
    with app.app_context():
        images = db.session.scalars(select(Image).order_by(Image.id)).all()
        add_near_copy(*images, mirrored=True)
        db.session.commit()
    page = send(visitor, ("a.png", png(1)), ("c.png", png(3)), headers={"Accept": "text/html"}).text
    there = f"{second['case_url']}/images/{second['image_uid']}"
    assert f'Near copy (mirrored) of an image of case\n  <a href="{there}">A-2</a>, not labelled yet.' in page
    assert page.count("Near copy") == 1
    assert first["case_url"] in page


def test_a_folder_packed_as_zip_is_answered_file_by_file(visitor):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("left/a.png", png(1))
        archive.writestr("right/b.png", png(2))
    answer = send(visitor, ("scans.zip", stream.getvalue()))
    assert [file["name"] for file in answer.json["files"]] == ["a.png", "b.png"]


def test_nothing_chosen_is_said_in_words(visitor):
    answer = send(visitor)
    assert answer.status_code == 422
    assert "at least one file" in answer.json["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("laterality", "X"), ("patient_reference", "P" * 65), ("accession", "A" * 65), ("batch", "../../x")],
)
def test_a_field_that_makes_no_sense_refuses_the_upload_as_a_whole(visitor, field, value):
    answer = send(visitor, ("a.png", png(1)), **{field: value})
    assert answer.status_code == 422
    assert field.replace("_", " ").capitalize() in answer.json["message"]


def test_without_the_forms_token_nothing_is_taken_in(visitor):
    answer = visitor.post("/uploads", data={"files": (io.BytesIO(png(1)), "a.png")}, headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (400, "form_expired")


def test_an_administrator_may_not_upload(login):
    assert send(login("admin"), ("a.png", png(1))).status_code == 403


def test_a_stranger_is_turned_away_before_the_files_are_read(client):
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            Counted.taken += 1
            return super().read(size)

        def readinto(self, buffer):
            Counted.taken += 1
            return super().readinto(buffer)

    form = {"input_stream": Counted(b"x" * 2**22), "content_type": "multipart/form-data; boundary=x"}
    assert client.post("/uploads", **form).status_code == 401
    assert Counted.taken == 0


def test_an_upload_may_be_larger_than_other_requests(visitor):
    fields = {"csrf_token": visitor.token(), "files": FileStorage(io.BytesIO(b"x" * (3 * 2**20)), "big.bin")}
    boundary, body = encode_multipart(fields)
    form = {"data": body, "content_type": f'multipart/form-data; boundary="{boundary}"', "headers": JSON}
    assert visitor.post("/uploads", **form).json["files"][0]["code"] == "not_an_image"
    assert visitor.post("/account/theme", **form).status_code == 413


def test_more_files_than_allowed_at_once_are_refused(config):
    app = create_app(config.model_copy(update={"max_upload_files": 2}))
    app.test_client_class = Visitor
    visitor = app.test_client()
    visitor.sign_in("radiologist@north.example")
    assert send(visitor, *[(f"{n}.png", png(n)) for n in range(3)]).status_code == 413
    assert len(send(visitor, *[(f"{n}.png", png(n)) for n in range(2)]).json["files"]) == 2
