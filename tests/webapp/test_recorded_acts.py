"""What people do over HTTP is in the audit log afterwards: who, what, on which case; and nothing typed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.scans import png
from tests.support import PASSWORD, Visitor
from tests.webapp.rows import add_teaching_case
from webapp.extensions import db
from webapp.models import AuditEntry, AuditHead, Exam, Image, Job
from webapp.services import accounts, audit_verify, intake
from webapp.services.filing import Fields
from webapp.services.intake import Upload

WHO = "radiologist@north.example"
SECRET = "PATIENT-4711"


@pytest.fixture
def uid(app: Flask) -> str:
    """A case of the radiologist, with one image."""
    with app.app_context():
        upload = Upload(f"{SECRET}.png", BytesIO(png(1)))
        (verdict,) = intake.accept(accounts.find(WHO), [upload], Fields(SECRET, accession=SECRET))
        assert verdict.exam_uid
        return verdict.exam_uid


def image_of(app: Flask, uid: str) -> str:
    with app.app_context():
        return db.session.scalars(sa.select(Image.uid).join(Exam).where(Exam.uid == uid)).one()


def entries(app: Flask, action: str) -> list[AuditEntry]:
    with app.app_context():
        wanted = sa.select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        found = list(db.session.scalars(wanted))
        db.session.expunge_all()
        return found


def id_of(app: Flask, email: str = WHO) -> int:
    with app.app_context():
        return accounts.find(email).id


def test_signing_in_and_out_is_kept_with_the_session_and_the_address(app: Flask) -> None:
    visitor = app.test_client()
    visitor.sign_in(WHO)
    visitor.submit("/logout", {})
    (came,), (left,) = entries(app, "sign_in"), entries(app, "sign_out")
    assert came.actor_id == left.actor_id == id_of(app)
    assert came.object_uid == left.object_uid
    assert came.remote_addr == "127.0.0.1"


def test_a_failed_sign_in_names_the_account_that_was_tried_where_there_is_one(
    app: Flask, client: Visitor
) -> None:
    client.sign_in(WHO, "not the password")
    client.sign_in("typed-by-mistake@north.example", "not the password")
    known, unknown = entries(app, "sign_in_failed")
    assert (known.actor_id, known.object_uid) == (None, str(id_of(app)))
    assert (unknown.actor_id, unknown.object_uid) == (None, None)
    assert "typed" not in str(unknown.detail)


def test_nobody_is_kept_out_because_the_log_can_not_be_written(app: Flask, client: Visitor) -> None:
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
    assert client.sign_in(WHO).status_code == 302
    assert client.submit("/logout", {}).status_code == 302


def test_a_new_password_and_its_entry_are_one_transaction(app: Flask) -> None:
    visitor, new = app.test_client(), "another good password"
    visitor.sign_in(WHO)
    form = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    visitor.submit("/account/password", {**form, "password": "wrong"}, page="/account/password")
    assert entries(app, "password_changed") == []
    visitor.submit("/account/password", form, page="/account/password")
    (changed,) = entries(app, "password_changed")
    assert changed.actor_id == id_of(app)
    assert len(entries(app, "sign_in")) == 1


def test_without_a_log_a_password_stays_as_it_was(app: Flask) -> None:
    visitor, new = app.test_client(), "another good password"
    visitor.sign_in(WHO)
    form = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    token = visitor.token("/account/password")
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
    assert visitor.post("/account/password", data={"csrf_token": token, **form}).status_code == 503
    assert app.test_client().sign_in(WHO, new).status_code == 200
    assert app.test_client().sign_in(WHO).status_code == 302


def test_an_upload_says_which_bytes_and_a_refused_file_why(app: Flask, login: Callable[..., Visitor]) -> None:
    files = [(BytesIO(png(5)), f"{SECRET}.png"), (BytesIO(b"not an image"), f"{SECRET}.doc")]
    login().submit("/uploads", {"files": files, "patient_reference": SECRET}, page="/upload")
    (kept,), (refused,) = entries(app, "uploaded"), entries(app, "refused")
    with app.app_context():
        image = db.session.scalars(sa.select(Image)).one()
        assert (kept.object_uid, kept.case_uid) == (image.uid, image.exam.uid)
        assert kept.detail["sha256"] == image.sha256
    assert kept.actor_id == refused.actor_id == id_of(app)
    assert kept.remote_addr == "127.0.0.1"
    assert set(refused.detail) == {"code"}


def test_one_view_of_the_page_is_one_entry_with_all_its_pixels(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    visitor, image = login(), image_of(app, uid)
    visitor.get(f"/cases/{uid}")
    for _ in range(3):
        assert visitor.get(f"/media/images/{image}/0.png").status_code == 200
    (viewed,) = entries(app, "viewed")
    assert (viewed.actor_id, viewed.case_uid, viewed.detail) == (id_of(app), uid, {"frame": 0})
    visitor.get(f"/cases/{uid}/images/{image}")
    assert len(entries(app, "viewed")) == 2


def test_pixels_without_the_page_are_a_view_too_but_those_of_a_colleague_are_not_mine(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    login().get(f"/cases/{uid}")
    other, image = login("colleague"), image_of(app, uid)
    for _ in range(2):
        other.get(f"/media/images/{image}/0.png")
    _, theirs = entries(app, "viewed")
    assert (theirs.actor_id, theirs.detail) == (id_of(app, "colleague@north.example"), {"pixels_alone": True})


def test_a_view_of_a_teaching_case_is_kept_beside_the_case(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    with app.app_context():
        case = add_teaching_case(
            db.session.scalars(sa.select(Image).where(Image.uid == image_of(app, uid))).one()
        )
        db.session.commit()
        marked = case.uid
    assert login("tutor").get(f"/teaching/cases/{marked}").status_code == 200
    (viewed,) = entries(app, "viewed")
    assert (viewed.object_type, viewed.object_uid, viewed.case_uid) == ("teaching_case", marked, uid)


def test_whoever_may_not_see_a_case_has_not_viewed_it(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    assert login("radiologist", "south").get(f"/cases/{uid}").status_code == 404
    assert entries(app, "viewed") == []


def test_a_view_loads_no_row_twice_because_of_its_entry(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    """Committing in the request's own session would have each row of the page read again."""
    visitor, seen = login(), []
    visitor.get(f"/cases/{uid}")
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *said: seen.append((said[2], str(said[3]))))
    visitor.get(f"/cases/{uid}")
    users = [said for said in seen if said[0].startswith("SELECT users.id") and "users.id = ?" in said[0]]
    assert len(users) <= 1


def test_an_original_leaves_the_house_with_its_entry_or_not_at_all(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    visitor, image = login(), image_of(app, uid)
    assert visitor.get(f"/media/originals/{image}").status_code == 200
    (taken,) = entries(app, "original_downloaded")
    assert (taken.actor_id, taken.case_uid) == (id_of(app), uid)
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
    assert visitor.get(f"/media/originals/{image}").status_code == 503


def test_an_exported_list_is_kept_with_its_filters_but_not_with_what_was_searched(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    visitor = login()
    visitor.get(f"/history.csv?q={SECRET}&label=benign&since=2026-01-01")
    (exported,) = entries(app, "exported")
    assert exported.detail["text"] is True
    assert exported.detail["label"] == "benign"
    assert exported.detail["since"].startswith("2026-01-01")
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
    assert visitor.get("/history.csv").status_code == 503


def test_asking_for_an_analysis_is_kept_once_however_often_it_is_asked(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    image = image_of(app, uid)
    with app.app_context():
        db.session.execute(sa.update(Job).values(state="failed"))
        db.session.commit()
    for _ in range(2):
        login().submit(f"/cases/{uid}/images/{image}/analyse", {"frame": "0"})
    (asked,) = entries(app, "analysis_asked")
    assert (asked.case_uid, asked.detail) == (uid, {"frame": 0, "again": True})


def test_each_version_of_a_read_has_an_entry_and_a_double_click_has_one(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    save = f"/cases/{uid}/images/{image_of(app, uid)}/reads"
    for birads in ("2", "2", "3"):
        login().submit(save, {"birads": birads, "comment": SECRET})
    saved = entries(app, "read_saved")
    assert [entry.detail for entry in saved] == [{"version": 1}, {"version": 2}]
    assert {entry.case_uid for entry in saved} == {uid}


def test_settings_are_kept_by_the_names_of_those_that_changed(
    app: Flask, login: Callable[..., Visitor]
) -> None:
    visitor = login()
    form = {"name": "New Name", "timezone": "Europe/Berlin", "theme": "dark", "density": "comfortable"}
    for _ in range(2):
        visitor.submit("/account", form)
    (changed,) = entries(app, "settings_changed")
    assert changed.detail == {"changed": ["name", "timezone"]}


def test_a_whole_day_in_the_log_says_nothing_of_the_patient_and_is_whole(
    app: Flask, login: Callable[..., Visitor], uid: str
) -> None:
    visitor, image = login(), image_of(app, uid)
    for page in (f"/cases/{uid}", f"/media/originals/{image}", f"/history.csv?q={SECRET}"):
        visitor.get(page)
    visitor.submit(f"/cases/{uid}/images/{image}/reads", {"birads": "2", "comment": SECRET})
    with app.app_context():
        said = str([tuple(row) for row in db.session.execute(sa.select(AuditEntry.__table__))])
        assert "uploaded" in said
        assert SECRET not in said
        assert audit_verify.verify().whole
