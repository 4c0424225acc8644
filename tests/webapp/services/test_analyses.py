"""A job is answered by the network once; what can't be answered says why."""

from __future__ import annotations

import io
import math

import pytest
from flask import current_app
from sqlalchemy import select

import ml
from tests.ml.conftest import CLASSES, write_weights
from tests.scans import dicom, png
from webapp import create_app
from webapp.errors import Forbidden, NotFound
from webapp.extensions import db
from webapp.models import Analysis, Image, ImagePrint, Job
from webapp.services import accounts, analyses, decoding, heatmaps, inference, intake
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.storage import Storage, StorageError, storage

WORKER = "test worker"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def network(weights):
    return ml.Predictor(weights, threads=1)


@pytest.fixture(autouse=True)
def _context(config, weights, network):
    app = create_app(config.model_copy(update={"ml_weights": weights}))
    app.extensions["predictors"] = {network.card.checksum: network}  # loaded once for all tests of this file
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def person(who: str = "radiologist", group: str = "north"):
    user = accounts.find(f"{who}@{group}.example")
    assert user is not None
    return user


def send(data: bytes) -> str:
    (verdict,) = intake.accept(person(), [Upload("scan", io.BytesIO(data))], Fields())
    assert verdict.image_uid is not None
    return verdict.image_uid


def work() -> None:
    while inference.run_next(WORKER):
        pass


def job_of(uid: str, frame: int = 0) -> Job:
    return db.session.scalars(select(Job).join(Image).where(Image.uid == uid, Job.frame == frame)).one()


def test_the_answer_is_that_of_the_network(network):
    uid = send(png(1))
    work()
    status = analyses.status(person(), uid)
    said, kept = network.predict(png(1)), status.analysis
    assert (status.state, status.progress, status.pending) == ("done", 100, False)
    assert kept is not None
    assert kept.probabilities == said.probabilities
    assert tuple(kept.probabilities) == CLASSES
    assert math.isclose(sum(kept.probabilities.values()), 1, abs_tol=1e-6)
    assert kept.malignant == said.probabilities["malignant"]
    assert kept.top_label == max(said.probabilities, key=said.probabilities.get)
    assert (kept.call, kept.threshold) == (said.call, network.card.operating_point.threshold)
    assert (kept.out_of_scope, kept.reason, kept.warnings) == (
        said.out_of_scope,
        said.reason,
        list(said.warnings),
    )
    assert (kept.network_name, kept.network_version, kept.network_checksum) == (
        said.network.name,
        said.network.version,
        said.network.checksum,
    )
    assert kept.timings["total"] > 0


def test_heatmaps_come_back_as_the_network_gave_them(network):
    uid = send(png(1))
    work()
    kept = analyses.status(person(), uid).analysis.heatmaps
    for finding in network.predict(png(1)).findings:
        back = heatmaps.from_json(finding.label, kept[finding.label])
        assert abs(back.values - finding.heatmap.values).max() < 1e-4
        assert (back.peak, back.area, back.words, back.reliability) == (
            finding.heatmap.peak,
            finding.heatmap.area,
            finding.heatmap.words,
            finding.heatmap.reliability,
        )


def test_a_heatmap_kept_before_there_were_tests_of_them_comes_back_without_one():
    old = {"values": [[0.5]], "peak": [0.5, 0.5], "area": 0.1, "words": "moderate evidence"}
    assert heatmaps.from_json("benign", old).reliability is None


def test_jobs_are_answered_in_the_order_of_their_coming():
    first, second = send(png(1)), send(png(2))
    waiting = analyses.status(person(), second)
    assert (waiting.state, waiting.ahead, waiting.pending) == ("queued", 1, True)
    assert inference.run_next(WORKER)
    assert [job_of(uid).state for uid in (first, second)] == ["done", "queued"]


def test_a_new_image_is_decoded_once_for_its_answer_and_its_print(monkeypatch):
    decode, decoded = decoding.decode, []

    def counted(data: bytes, frame: int = 0) -> ml.Scan:
        decoded.append(frame)
        return decode(data, frame)

    monkeypatch.setattr(decoding, "decode", counted)
    current_app.extensions["predictors"].clear()  # the next one is loaded as a worker does
    uid = send(png(1))
    work()
    assert decoded == [0]
    assert job_of(uid).state == "done"
    assert db.session.scalars(select(ImagePrint.compared).join(Image).where(Image.uid == uid)).all() == [True]


def test_without_a_job_there_is_nothing_to_do():
    assert inference.run_next(WORKER) is False


class TestWhatCannotBeAnswered:
    def test_bytes_that_are_not_those_of_the_upload_are_never_read_as_a_scan(self, monkeypatch):
        uid = send(png(1))
        monkeypatch.setattr(Storage, "read", lambda self, key: png(2))
        work()
        status = analyses.status(person(), uid)
        assert (status.state, status.error_code, status.analysis) == ("failed", "stored_file_changed", None)

    def test_a_missing_file_is_said_in_words(self):
        uid = send(png(1))
        storage().delete(db.session.scalar(select(Image.storage_key).where(Image.uid == uid)))
        work()
        status = analyses.status(person(), uid)
        assert (status.state, status.error_code) == ("failed", "stored_file_missing")
        assert "backup" in status.error

    def test_a_frame_that_cannot_be_decoded_fails_with_the_decoders_words(self, monkeypatch, network):
        uid = send(png(1))
        _put(monkeypatch, _Refusing(network, ml.ImageError("Frame 0 is damaged.", "Export it again.")))
        work()
        status = analyses.status(person(), uid)
        assert (status.state, status.error) == ("failed", "Frame 0 is damaged. Export it again.")
        assert status.attempt == 1

    def test_an_error_of_ours_is_tried_three_times_and_logged(self, monkeypatch, caplog, network):
        uid = send(png(1))
        _put(monkeypatch, _Refusing(network, RuntimeError("a bug")))
        work()
        status = analyses.status(person(), uid)
        assert (status.state, status.error_code, status.attempt) == ("failed", "internal", 3)
        assert "a bug" not in status.error
        assert caplog.text.count("a bug") == 3

    def test_a_storage_that_is_away_for_a_moment_costs_an_attempt_not_the_job(self, monkeypatch):
        uid = send(png(1))

        def away(self, key):
            raise StorageError

        with monkeypatch.context() as patch:
            patch.setattr(Storage, "read", away)
            inference.run_next(WORKER)
        assert job_of(uid).state == "queued"
        work()
        assert analyses.status(person(), uid).state == "done"


class TestAsking:
    def test_another_frame_of_a_loop_is_analysed_when_asked_for(self):
        uid = send(dicom(1, frames=3))
        assert analyses.status(person(), uid, 2).state == "none"
        analyses.request_frame(person(), uid, 2)
        work()
        frames = db.session.scalars(select(Analysis.frame).order_by(Analysis.frame)).all()
        assert (frames, analyses.status(person(), uid, 2).state) == ([0, 2], "done")

    def test_asking_twice_is_asking_once(self):
        uid = send(png(1))
        for _ in range(2):
            analyses.request_frame(person(), uid, 0)
        work()
        analyses.request_frame(person(), uid, 0)
        work()
        assert len(db.session.scalars(select(Analysis)).all()) == 1
        assert len(db.session.scalars(select(Job)).all()) == 1

    def test_a_failed_analysis_is_tried_again_on_request(self, monkeypatch, network):
        uid = send(png(1))
        with monkeypatch.context() as patch:
            _put(patch, _Refusing(network, RuntimeError("a bug")))
            work()
        analyses.request_frame(person(), uid, 0)
        again = analyses.status(person(), uid)
        assert (again.state, again.attempt, again.error) == ("queued", 0, None)
        work()
        assert analyses.status(person(), uid).state == "done"

    @pytest.mark.parametrize("frame", [-1, 1])
    def test_there_is_no_frame_outside_the_loop(self, frame):
        uid = send(png(1))
        with pytest.raises(NotFound):
            analyses.request_frame(person(), uid, frame)
        with pytest.raises(NotFound):
            analyses.status(person(), uid, frame)

    def test_another_group_sees_and_asks_nothing(self):
        uid = send(png(1))
        for ask in (analyses.status, analyses.request_frame):
            with pytest.raises(NotFound):
                ask(person(group="south"), uid, 0)

    def test_an_administrator_neither_looks_nor_asks(self):
        uid = send(png(1))
        with pytest.raises(NotFound):
            analyses.status(person("admin"), uid)
        with pytest.raises(Forbidden):
            analyses.request_frame(person("admin"), uid, 0)


class _Refusing:
    """`network`, but its answer is always `error`."""

    def __init__(self, network: ml.Predictor, error: Exception) -> None:
        self.card = network.card
        self._error = error

    def decode_and_predict(self, data: bytes, frame: int = 0) -> tuple[ml.Scan, ml.Prediction]:
        raise self._error


def _put(monkeypatch: pytest.MonkeyPatch, network: _Refusing) -> None:
    monkeypatch.setitem(current_app.extensions["predictors"], network.card.checksum, network)
