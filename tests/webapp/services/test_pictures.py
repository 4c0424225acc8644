"""What is shown is drawn from pixels alone, and only to those who may see the case."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select

from tests.scans import dicom, pixels, png
from tests.webapp.rows import add_analysis
from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Image
from webapp.services import accounts, intake, pictures
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.storage import Storage, StorageError, storage

CORNER = [[0.0] * 8 for _ in range(7)] + [[0.0] * 7 + [1.0]]
HEAT = {"malignant": {"values": CORNER, "peak": [1.0, 1.0], "area": 0.02, "words": "strong, lower right"}}


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def person(who: str = "radiologist", group: str = "north"):
    user = accounts.find(f"{who}@{group}.example")
    assert user is not None
    return user


def send(data: bytes) -> str:
    (verdict,) = intake.accept(person(), [Upload("scan.png", io.BytesIO(data))], Fields())
    assert verdict.image_uid is not None
    return verdict.image_uid


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Picture.open(io.BytesIO(data)))


def analysis_of(uid: str):
    image = db.session.scalars(select(Image).where(Image.uid == uid)).one()
    db.session.delete(image.jobs[0])  # the one that waits; the answer comes with its own
    db.session.flush()
    analysis = add_analysis(image, heatmaps=HEAT)
    db.session.commit()
    return analysis


def test_a_frame_is_shown_pixel_by_pixel():
    assert np.array_equal(opened(pictures.frame_png(person(), send(png(1)), 0)), pixels(1))


def test_every_frame_of_a_loop_can_be_shown():
    uid = send(dicom(3, frames=3))
    for frame in range(3):
        assert np.array_equal(opened(pictures.frame_png(person(), uid, frame)), pixels(3000 + frame))
    with pytest.raises(NotFound):
        pictures.frame_png(person(), uid, 3)


def test_nothing_but_pixels_of_the_upload_is_in_what_is_shown():
    data = dicom(1, PatientName="DOE^JANE", PatientID="SECRET7")
    uid = send(data)
    shown = pictures.frame_png(person(), uid, 0) + pictures.thumbnail_png(person(), uid)
    assert b"SECRET7" in data
    assert b"SECRET7" not in shown
    assert b"DOE" not in shown


def test_a_thumbnail_is_small_and_keeps_the_shape():
    height, width = opened(pictures.thumbnail_png(person(), send(png(1, 400, 800)))).shape[:2]
    assert (height, width) == (pictures.THUMBNAIL_SIDE // 2, pictures.THUMBNAIL_SIDE)


def test_a_heatmap_has_the_shape_of_the_frame_and_is_transparent_without_evidence():
    analysis = analysis_of(send(png(1)))
    picture = opened(pictures.heatmap_png(person(), analysis.uid, "malignant"))
    assert picture.shape == (48, 64, 4)
    assert picture[0, 0, 3] == 0
    assert picture[-1, -1, 3] > 128


def test_there_is_no_heatmap_of_a_class_that_the_network_does_not_know():
    analysis = analysis_of(send(png(1)))
    for label in ("../etc", "cyst", ""):
        with pytest.raises(NotFound):
            pictures.heatmap_png(person(), analysis.uid, label)


def test_the_original_is_given_back_byte_for_byte():
    original = pictures.original(person(), send(png(1)))
    assert (original.filename, original.data) == ("scan.png", png(1))


def test_another_group_gets_no_picture():
    uid = send(png(1))
    analysis = analysis_of(uid)
    stranger = person(group="south")
    for look in (
        lambda: pictures.frame_png(stranger, uid, 0),
        lambda: pictures.thumbnail_png(stranger, uid),
        lambda: pictures.original(stranger, uid),
        lambda: pictures.heatmap_png(stranger, analysis.uid, "malignant"),
    ):
        with pytest.raises(NotFound):
            look()


def test_a_picture_is_drawn_once(monkeypatch):
    uid = send(png(1))
    first = pictures.frame_png(person(), uid, 0)
    monkeypatch.setattr(pictures.decoding, "decode", None)
    assert pictures.frame_png(person(), uid, 0) == first


def test_a_picture_that_was_swept_is_drawn_again():
    uid = send(png(1))
    first = pictures.frame_png(person(), uid, 0)
    for key in list(storage().older("derived", timedelta(0))):
        storage().delete(key)
    assert pictures.frame_png(person(), uid, 0) == first


def test_a_picture_that_cannot_be_kept_is_shown_all_the_same(monkeypatch):
    def full(self, key, data):
        raise StorageError

    uid = send(png(1))
    monkeypatch.setattr(Storage, "keep", full)
    assert np.array_equal(opened(pictures.frame_png(person(), uid, 0)), pixels(1))


def test_a_damaged_file_is_a_named_error():
    uid = send(png(1))
    key = db.session.scalar(select(Image.storage_key).where(Image.uid == uid))
    storage().keep(key, png(1)[:200])
    with pytest.raises(pictures.NotDrawable, match=r"\w+\."):
        pictures.frame_png(person(), uid, 0)
