"""The worklist page: rows, filters in the address, pages, export, news."""

from __future__ import annotations

import csv
import io

import pytest

from tests.webapp.rows import add_analysis, add_exam, add_image, add_near_copy, add_outcome
from webapp.extensions import db
from webapp.models import Job, Patient, Read
from webapp.routes.worklist import MOST_NEWS
from webapp.services import accounts, history


@pytest.fixture
def visitor(login):
    return login("radiologist")


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


def add_case(me, **more):
    exam = add_exam(me, **more)
    image = add_image(exam)
    db.session.commit()
    return exam, image


def test_an_empty_worklist_says_how_to_begin(visitor):
    page = visitor.get("/").text
    assert "No cases yet" in page
    assert 'href="/upload"' in page


def test_a_filter_that_leaves_nothing_says_so_and_how_to_go_on(visitor, me):
    add_case(me)
    page = visitor.get("/?q=nothing-like-it").text
    assert "No case meets these filters" in page
    assert "No cases yet" not in page


def test_a_row_shows_the_class_the_number_the_call_and_the_reads(visitor, me):
    exam, image = add_case(me, patient=Patient(group_id=me.group_id, reference="P-9"), accession="A77")
    probabilities = {"benign": 0.2, "malignant": 0.7, "normal": 0.1}
    add_analysis(image, probabilities=probabilities, malignant=0.7, top_label="malignant")
    db.session.add(Read(image_id=image.id, reader_id=me.id, birads="4B"))
    db.session.commit()
    page = visitor.get("/").text
    for words in ("P-9", "A77", "malignant 0.70", "Suspicious", "1 reader", "you", f"/cases/{exam.uid}"):
        assert words in page


def test_a_row_out_of_scope_shows_no_class(visitor, me):
    _, image = add_case(me)
    add_analysis(image, out_of_scope=True, reason="A photo.")
    db.session.commit()
    row = visitor.get("/").text.partition("<tbody>")[2]
    assert "out of scope" in row
    assert "normal" not in row
    assert "uspicious" not in row


def test_what_people_typed_is_shown_as_text(visitor, me):
    reference = "<script>alert(1)</script>"
    add_case(me, patient=Patient(group_id=me.group_id, reference=reference))
    page = visitor.get("/", query_string={"q": reference}).text
    assert reference not in page
    assert page.count("&lt;script&gt;") >= 2


def test_case_links_and_pages_keep_the_filters(visitor, me, monkeypatch):
    monkeypatch.setitem(history.page.__kwdefaults__, "size", 2)
    for _ in range(3):
        add_case(me)
    page = visitor.get("/?q=scan").text
    assert "?q=scan" in page.partition("<tbody>")[2]
    older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "q=scan" in older
    assert visitor.get(older).text.count("case-link") == 1


def test_a_damaged_page_address_is_told(visitor):
    assert visitor.get("/?after=12x").status_code == 400


def test_the_export_is_a_download_of_the_filtered_list(visitor, me):
    add_case(me, accession="A1")
    add_case(me, accession="B2")
    answer = visitor.get("/history.csv?q=b2")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    (line,) = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert line["accession"] == "B2"


def test_an_export_with_a_wrong_filter_is_refused_rather_than_wider_than_asked(visitor):
    assert visitor.get("/history.csv?result=nonsense").status_code == 400


def test_news_tell_how_images_stand_and_say_nothing_of_others(visitor, me):
    _, waiting = add_case(me)
    db.session.add(Job(image_id=waiting.id, state="queued"))
    _, done = add_case(me)
    add_analysis(done)
    _, foreign = add_case(accounts.find("radiologist@south.example"))
    db.session.commit()
    uids = [waiting.uid, done.uid, foreign.uid, "f" * 32]
    news = visitor.get("/news", query_string={"image": uids}).json
    assert set(news) == {waiting.uid, done.uid}
    assert news[waiting.uid]["pending"] is True
    assert news[done.uid]["pending"] is False
    assert "normal 0.50" in news[done.uid]["verdict"]
    assert "Suspicious" in news[done.uid]["call"]


def test_news_tell_of_near_copies_once_there_is_an_answer_and_only_to_who_may_open_both(visitor, login, me):
    (_, mine), (other, copy), (_, third) = [add_case(me, accession=name) for name in ("A-1", "A-2", "A-3")]
    _, theirs = add_case(accounts.find("radiologist@south.example"), accession="S-1")
    for image in (copy, theirs):
        add_near_copy(mine, image)
    add_outcome(other, "benign")
    job = Job(image_id=mine.id, state="running")
    db.session.add(job)
    db.session.commit()
    asked = {"query_string": {"image": [mine.uid, third.uid, theirs.uid]}}
    assert visitor.get("/news", **asked).json[mine.uid]["near_copies"] == ""

    job.state = "done"
    db.session.commit()
    news = visitor.get("/news", **asked).json
    told, page = news[mine.uid]["near_copies"], f"/cases/{other.uid}/images/{copy.uid}"
    assert f'Near copy of an image of case\n  <a href="{page}">A-2</a>, labelled benign by pathology.' in told
    assert "S-1" not in told
    assert news[third.uid]["near_copies"] == ""
    south = login("radiologist", "south").get("/news", **asked).json
    assert {uid: each["near_copies"] for uid, each in south.items()} == {theirs.uid: ""}


def test_news_of_too_many_images_at_once_are_refused(visitor):
    asked = ["f" * 32] * (MOST_NEWS + 1)
    assert visitor.get("/news", query_string={"image": asked}).status_code == 400


def test_an_admin_is_led_to_the_start_of_an_admins_day_and_offered_no_scans(login):
    admin = login("admin")
    start = admin.get("/?q=P-77")
    assert start.status_code == 302
    page = admin.get(start.location)
    assert page.status_code == 200
    assert 'href="/upload"' not in page.text


def test_the_drop_page_is_a_plain_form_for_a_browser_without_scripts(visitor):
    page = visitor.get("/upload").text
    assert 'action="/uploads"' in page
    assert 'enctype="multipart/form-data"' in page
    fields = ("patient_reference", "accession", "laterality", "view", "note")
    for name in ("files", *fields, "batch", "csrf_token"):
        assert f'name="{name}"' in page
