"""The pages of the logs: an admin reads, filters, exports, verifies and signs; and that is recorded too."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.scans import png
from tests.support import Visitor
from tests.webapp.rows import add_analysis
from webapp.extensions import db
from webapp.models import AuditEntry, AuditHead, AuditReview, Image
from webapp.services import accounts, audit, audit_verify, erasing, intake, log_reviews, reads
from webapp.services.audit_chain import seal
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.reads import Answer

SECRET = "PATIENT-4711"
WHO = "radiologist@north.example"


@pytest.fixture
def admin(login: Callable[..., Visitor]) -> Visitor:
    return login("admin")


@pytest.fixture
def uid(app: Flask) -> str:
    """A case with two images, an analysis and two versions of a read."""
    with app.app_context():
        reader = accounts.find(WHO)
        uploads = [Upload(f"{SECRET}-{n}.png", BytesIO(png(n))) for n in (1, 2)]
        verdicts = intake.accept(reader, uploads, Fields(SECRET, accession=SECRET, note=SECRET))
        image = db.session.scalars(sa.select(Image).order_by(Image.id)).first()
        add_analysis(image)
        for birads in ("2", "3"):
            reads.save(reader, image.uid, Answer(birads=birads, comment=SECRET))
        assert verdicts[0].exam_uid
        return verdicts[0].exam_uid


def entries(app: Flask, action: str) -> list[AuditEntry]:
    with app.app_context():
        wanted = sa.select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        found = list(db.session.scalars(wanted))
        db.session.expunge_all()
        return found


def test_the_story_of_a_case_is_told_in_order_without_the_patient(
    admin: Visitor, login: Callable[..., Visitor], uid: str
) -> None:
    login().get(f"/cases/{uid}")
    page = admin.get(f"/case-log/{uid}").text
    told = ["uploaded a file", "image 1, SHA-256", "image 2, SHA-256", "image 1, version 1"]
    told += ["image 1, version 2", "viewed a case"]
    places = [page.index(words, page.index("What happened")) for words in told]
    assert places == sorted(places)
    assert SECRET not in page
    assert "<img" not in page
    assert "/media/" not in page
    assert len(re.findall(r"<code>[0-9a-f]{64}</code>", page)) == 2
    assert "looked at a log" in admin.get(f"/case-log/{uid}").text


def test_an_erased_case_keeps_its_story_its_hashes_and_its_end(app: Flask, admin: Visitor, uid: str) -> None:
    with app.app_context():
        erasing.erase(uid, "hand", accounts.find("admin@north.example"))
    page = admin.get(f"/case-log/{uid}").text
    for words in ("uploaded a file", "saved a read", "erased a case", "image 2"):
        assert words in page
    assert len(re.findall(r"<code>[0-9a-f]{64}</code>", page)) == 2
    assert SECRET not in page


def test_a_story_names_the_lists_that_its_case_may_be_in(
    admin: Visitor, login: Callable[..., Visitor], uid: str
) -> None:
    login("radiologist", "south").get("/history.csv")
    assert "exported a list" not in admin.get(f"/case-log/{uid}").text
    login().get("/history.csv?label=benign")
    assert "exported a list" in admin.get(f"/case-log/{uid}").text


def test_a_case_that_never_was_has_no_story(admin: Visitor) -> None:
    assert admin.get(f"/case-log/{'f' * 32}").status_code == 404


def test_a_long_story_goes_on_on_another_page(
    app: Flask, admin: Visitor, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.services.case_story.story.__defaults__", (None, 2))
    first = admin.get(f"/case-log/{uid}").text
    later = re.search(r'href="(/case-log/[^"]+after=[^"]+)"', first)
    assert later
    assert "saved a read" not in first
    assert "saved a read" in admin.get(later[1]).text


def test_filters_live_in_the_address_and_a_wrong_one_is_said_beside_it(
    admin: Visitor, login: Callable[..., Visitor], uid: str
) -> None:
    login("colleague").get(f"/cases/{uid}")
    page = admin.get("/case-log?action=viewed").text
    assert page.count("<tr>") == 2
    assert "saved a read" not in page.split("<tbody>")[1]
    assert (
        "No act on a case meets these filters" in admin.get("/case-log?action=viewed&until=2020-01-01").text
    )
    wrong = admin.get("/case-log?case=4711").text
    assert "named by 32 digits and letters" in wrong
    assert 'value="4711"' in wrong
    assert admin.get("/case-log.csv?case=4711").status_code == 404
    assert admin.get("/case-log/entries.csv?case=4711").status_code == 400


def test_pages_lead_on_and_back(app: Flask, admin: Visitor) -> None:
    with app.app_context():
        for number in range(60):
            audit.record("viewed", None, "exam", None, case="c" * 32, number=number)
        db.session.commit()
    first = admin.get("/case-log").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = admin.get(older[1]).text
    assert "number 0<" in second
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    assert "number 59" in admin.get(newer[1]).text


def test_times_are_in_the_readers_zone_on_the_page_and_in_utc_in_the_file(
    app: Flask, admin: Visitor, uid: str
) -> None:
    with app.app_context():
        accounts.find("admin@north.example").timezone = "Asia/Kathmandu"
        db.session.commit()
        at = db.session.scalars(sa.select(AuditEntry.at).where(AuditEntry.action == "uploaded")).first()
    assert "Asia/Kathmandu" in admin.get("/audit?action=uploaded").text
    lines = admin.get("/audit/entries.csv?action=uploaded").text.splitlines()
    assert at.isoformat(timespec="microseconds") in lines[1]


@pytest.mark.parametrize("log", ["/audit", "/case-log"])
def test_both_files_hold_the_filtered_entries_and_prove_the_chain(
    app: Flask, admin: Visitor, uid: str, log: str
) -> None:
    sheet = admin.get(f"{log}/entries.csv?action=read_saved")
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    answer = admin.get(f"{log}/entries.json?action=read_saved")
    objects = json.loads(answer.text)
    assert (sheet.mimetype, answer.mimetype) == ("text/csv", "application/json")
    assert [row["case"] for row in rows] == [entry["case"] for entry in objects] == [uid, uid]
    assert [json.loads(row["detail"])["version"] for row in rows] == [1, 2]
    for given in objects:
        with app.app_context():
            stored = db.session.get(AuditEntry, given["entry"])
            columns = {column.name: getattr(stored, column.name) for column in AuditEntry.__table__.columns}
            assert seal(given["previous_hash"], columns) == given["entry_hash"]
    assert json.loads(admin.get(f"{log}/entries.json?until=2020-01-01").text) == []


def test_a_name_that_a_spreadsheet_would_take_for_a_formula_is_made_harmless(
    app: Flask, admin: Visitor
) -> None:
    with app.app_context():
        mallory = accounts.find("tutor@north.example")
        mallory.name = '=HYPERLINK("http://evil.example")'
        audit.record("viewed", mallory, "exam")
        db.session.commit()
    assert "'=HYPERLINK" in admin.get("/audit/entries.csv?action=viewed").text
    assert ",=HYPERLINK" not in admin.get("/audit/entries.csv?action=viewed").text


def test_no_log_leaves_the_house_without_its_own_entry(app: Flask, admin: Visitor) -> None:
    admin.get("/audit/entries.csv?person=0")
    (taken,) = entries(app, "exported")
    assert (taken.object_type, taken.detail) == ("audit_log", {"format": "csv", "person": 0})
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
    assert admin.get("/audit/entries.csv").status_code == 503


def test_looking_is_recorded_with_the_filters(app: Flask, admin: Visitor, uid: str) -> None:
    admin.get("/audit?person=0")
    admin.get(f"/case-log?case={uid}")
    admin.get(f"/case-log/{uid}")
    everything, filtered, story = entries(app, "log_viewed")
    assert (everything.object_type, everything.detail) == ("audit_log", {"person": 0})
    assert filtered.case_uid == story.case_uid == uid


def test_verifying_from_the_page_says_how_the_log_stands_and_who_asked(app: Flask, admin: Visitor) -> None:
    assert "Not verified yet" in admin.get("/audit").text
    answer = admin.submit("/audit/verify", {}, follow_redirects=True)
    assert "The log is whole" in answer.text
    (verified,) = entries(app, "log_verified")
    with app.app_context():
        assert verified.actor_id == accounts.find("admin@north.example").id
    assert f"Verified up to entry {verified.detail['up_to']}" in answer.text


def test_a_fault_is_named_on_the_page(app: Flask, admin: Visitor) -> None:
    admin.get("/audit")
    with app.app_context():
        db.session.execute(sa.text("DROP TRIGGER audit_entries_no_update"))
        db.session.execute(sa.text("UPDATE audit_entries SET remote_addr = 'elsewhere' WHERE id = 1"))
        db.session.commit()
    answer = admin.submit("/audit/verify", {}, follow_redirects=True)
    assert "Entry 1 is not as it was written." in answer.text
    assert "Not whole" in answer.text


def test_a_log_too_long_for_a_page_is_for_the_command_line(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reviews, "MOST_HERE", 0)
    admin.get("/audit")
    assert "flask audit verify" in admin.get("/audit").text
    assert "Verify now" not in admin.get("/audit").text
    assert admin.submit("/audit/verify", {}).status_code == 409


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(up_to|entry_hash)" value="([^"]+)"', page))


def test_a_review_is_signed_and_the_next_one_starts_there(app: Flask, admin: Visitor, uid: str) -> None:
    page = admin.get("/audit/review").text
    shown = hidden(page)
    answer = admin.submit("/audit/review", {**shown, "note": "Nothing of note."}, follow_redirects=True)
    assert f"Reviewed up to entry {shown['up_to']}" in answer.text
    assert "Nothing of note." in answer.text
    rest = admin.get("/audit/review").text
    assert f'<td class="entry second">{shown["up_to"]}</td>' not in rest
    assert f'<td class="entry second">{int(shown["up_to"]) + 1}</td>' in rest
    (signed,) = entries(app, "log_reviewed")
    assert signed.detail == {"up_to": int(shown["up_to"])}
    with app.app_context():
        assert db.session.scalars(sa.select(AuditReview)).one().entry_hash == shown["entry_hash"]
        assert audit_verify.verify().whole


def test_nobody_signs_for_an_entry_that_is_not_the_one_shown_nor_twice(
    app: Flask, admin: Visitor, uid: str
) -> None:
    shown = hidden(admin.get("/audit/review").text)
    assert admin.submit("/audit/review", {**shown, "entry_hash": "0" * 64}).status_code == 409
    assert admin.submit("/audit/review", {**shown, "up_to": "4711"}).status_code == 409
    assert admin.submit("/audit/review", shown).status_code == 303
    assert admin.submit("/audit/review", shown).status_code == 409
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(AuditReview.id))) == 1


def test_a_note_that_is_too_long_is_given_back_with_what_was_typed(admin: Visitor, uid: str) -> None:
    shown = hidden(admin.get("/audit/review").text)
    answer = admin.submit("/audit/review", {**shown, "note": "n" * 2001})
    assert answer.status_code == 422
    assert "At most 2000 characters." in answer.text
    assert "n" * 2001 in answer.text


def test_a_signature_is_the_first_thing_that_the_next_review_shows(app: Flask, admin: Visitor) -> None:
    with app.app_context():
        user = accounts.find("admin@north.example")
        audit.note("viewed", None, "exam")
        head = db.session.scalars(sa.select(AuditHead)).one()
        log_reviews.sign(user, head.last_entry, head.last_hash, "")
    page = admin.get("/audit/review").text
    assert page.count("<tr>") == 2
    assert "signed a review of the log" in page
    assert "Nothing waits behind this entry" in admin.get("/audit/review?after=4711").text
