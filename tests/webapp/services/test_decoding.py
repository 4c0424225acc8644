"""A file that breaks its decoder is refused by name, and every page goes on."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

import ml
from tests.ml.decoding.misbehaving import COMMAND
from tests.scans import pixels, png
from webapp.extensions import db
from webapp.models import Image, Job
from webapp.services import accounts, decoding, intake, pictures
from webapp.services.decoding import DecoderUnavailable
from webapp.services.filing import Fields
from webapp.services.intake import Upload, Verdict
from webapp.services.storage import storage


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


@pytest.fixture
def decoder(monkeypatch):
    """Make the application decode with another decoder."""
    made = []

    def put(command=COMMAND, **limits: float):
        instead = ml.IsolatedDecoder(ml.ProcessLimits(**limits), 1, command)
        monkeypatch.setattr(decoding, "decoder", lambda: instead)
        made.append(instead)

    yield put
    for instead in made:
        instead.close()


def send(data: bytes) -> Verdict:
    user = accounts.find("radiologist@north.example")
    (verdict,) = intake.accept(user, [Upload("scan.png", io.BytesIO(data))], Fields())
    return verdict


def kept() -> tuple[int, int, int]:
    rows = [db.session.scalar(select(func.count(model.id))) for model in (Image, Job)]
    return (*rows, len(list(storage().older("originals", timedelta(0)))))


def test_the_settings_bound_what_a_file_may_take(app, config, monkeypatch):
    given = {"decode_seconds": 7.0, "decode_memory_bytes": 2**30, "decoders": 3}
    monkeypatch.setitem(app.extensions, "config", config.model_copy(update=given))
    made = decoding.decoder()
    assert (made._limits, made._most) == (ml.ProcessLimits(7.0, 2**30), 3)
    assert decoding.decoder() is made
    assert made.children() == []


def test_the_door_to_ml_leads_to_no_codec_of_ones_own():
    for name in ("decode", "inspect"):
        assert not hasattr(ml, name)


@pytest.mark.parametrize(("told", "code"), [(b"segfault", "decoder_crashed"), (b"swell", "decoder_memory")])
def test_a_file_that_breaks_its_decoder_is_refused_and_leaves_nothing(decoder, monkeypatch, told, code):
    decoder(memory=256 * 2**20)
    # a picture is only decoded where its pixels are wanted: let the check of an upload want them too
    monkeypatch.setattr(decoding, "inspect", lambda data: decoding.decode(data).info)
    verdict = send(told)
    assert (verdict.state, verdict.code, verdict.image_uid) == ("refused", code, None)
    assert verdict.message.count(".") >= 2, "what is the matter, and what to do"
    assert kept() == (0, 0, 0)
    assert send(png(1)).state == "accepted"


def test_without_a_decoder_nothing_is_said_of_the_file_and_nothing_is_kept(decoder):
    decoder(command=("/nowhere",))
    verdict = send(png(1))
    assert (verdict.state, verdict.code) == ("refused", "decoder_unavailable")
    assert kept() == (0, 0, 0)


def test_without_a_decoder_a_picture_is_not_available_and_not_gone(decoder):
    uid = send(png(1)).image_uid
    user = accounts.find("radiologist@north.example")
    decoder(command=("/nowhere",))
    with pytest.raises(DecoderUnavailable):
        pictures.frame_png(user, uid, 0)
    assert (DecoderUnavailable.status, DecoderUnavailable.code) == (503, "decoder_unavailable")


def test_a_page_warms_the_decoders_and_is_not_held_up_where_there_are_none(app, client, decoder):
    decoder(command=("/nowhere",))
    assert client.get("/healthz").status_code == 200
    decoder()
    client.get("/healthz")
    assert len(decoding.decoder().children()) == 1


def test_a_frame_comes_as_the_codec_gave_it():
    assert np.array_equal(decoding.decode(png(1)).pixels, pixels(1))
