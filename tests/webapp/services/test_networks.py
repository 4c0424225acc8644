"""Which network analyses is a row that every process reads; one that can't be loaded is never chosen."""

from __future__ import annotations

import io
import shutil

import pytest
import torch
from flask import current_app
from sqlalchemy import select

import ml
from ml import checkpoint
from ml import networks as architectures
from tests.ml.conftest import CLASSES, tiny_card
from tests.scans import png
from webapp import create_app
from webapp.errors import Conflict, Forbidden, NotFound
from webapp.extensions import db
from webapp.models import Analysis, AuditEntry, Job, NetworkSwitch, Reanalysis
from webapp.services import (
    accounts,
    analyses,
    cases,
    findings,
    history,
    inference,
    intake,
    network_usage,
    networks,
    reanalysis,
)
from webapp.services.filing import Fields
from webapp.services.filters import Filters
from webapp.services.intake import Upload
from webapp.services.networks import NetworkRefused
from webapp.services.reanalysis import AlreadyAnalysed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """NETWORKS_DIR: `first` and `second` can be used, `damaged` has weights of another, `empty` no card."""
    folder = tmp_path_factory.mktemp("networks")
    with torch.random.fork_rng():
        for seed, (name, version) in enumerate([("first", "1.0"), ("second", "2.0"), ("damaged", "3.0")]):
            torch.manual_seed(seed)
            card = tiny_card().model_copy(update={"version": version})
            checkpoint.save(architectures.build("tiny", len(CLASSES)), card, folder / name)
    shutil.copy(folder / "first" / "weights.safetensors", folder / "damaged")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def predictors(folder):
    """Both networks, loaded once for all tests of this file."""
    return {name: ml.Predictor(folder / name, threads=1) for name in ("first", "second")}


@pytest.fixture(autouse=True)
def _context(config, folder):
    given = {"ml_weights": folder / "first", "networks_dir": folder}
    with create_app(config.model_copy(update=given)).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(autouse=True)
def _no_other_process(request, monkeypatch):
    """Trying out takes seconds: only the tests that are about it do it for real."""
    if "tried_for_real" not in request.fixturenames:
        monkeypatch.setattr(ml, "try_out", lambda folder: _named(ml.ModelCard.load(folder)), raising=False)


@pytest.fixture
def tried_for_real():
    """A mark."""


def _named(card: ml.ModelCard) -> ml.NetworkId:
    return ml.NetworkId(card.name, card.version, card.checksum)


def person(who: str = "radiologist", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


def checksum(version: str) -> str:
    return next(one.checksum for one in networks.known()[0] if one.card.version == version)


def send(data: bytes, group: str = "north") -> tuple[str, str]:
    upload = Upload("scan", io.BytesIO(data))
    (verdict,) = intake.accept(person(group=group), [upload], Fields())
    return verdict.exam_uid, verdict.image_uid


def work(predictors) -> None:
    """What a worker does, with its network loaded already."""
    name = "first" if networks.active().card.version == "1.0" else "second"
    current_app.extensions["predictors"] = {predictors[name].card.checksum: predictors[name]}
    while inference.run_next("worker"):
        pass


def versions(image_uid: str) -> list[str]:
    status = analyses.status(person(), image_uid)
    return [one.network_version for one in (status.analysis, *status.earlier)]


def waiting() -> int:
    """How many cases the history shows as waiting."""
    return len(history.page(person(), Filters(result="waiting")).rows)


def switch(version: str) -> None:
    networks.switch(person("admin"), checksum(version))


class TestKnowing:
    def test_the_setting_holds_until_somebody_chooses(self):
        assert networks.active().label == networks.SETTING
        assert networks.active_name().version == "1.0"
        assert networks.newest_switch() is None

    def test_every_folder_is_listed_once_and_the_shipped_one_always(self):
        known, unusable = networks.known()
        assert [one.label for one in known] == ["ML_WEIGHTS", "damaged", "second", "shipped"]
        assert [one.label for one in unusable] == ["empty"]
        assert "No model card" in unusable[0].error


class TestSwitching:
    def test_there_and_back_is_written_down_with_who_and_when(self):
        for version in ("2.0", "1.0"):
            switch(version)
            assert networks.active_name().version == version
        rows = networks.switches()
        assert [(row.version, row.author.email) for row in rows] == [
            ("1.0", "admin@north.example"),
            ("2.0", "admin@north.example"),
        ]
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "network_switched")).all()
        assert [(entry.detail["version"], entry.detail["before"]) for entry in entries] == [
            ("2.0", checksum("1.0")),
            ("1.0", checksum("2.0")),
        ]

    def test_a_process_that_runs_takes_the_new_one_without_a_restart(self, predictors):
        _, first = send(png(1))
        work(predictors)
        switch("2.0")
        _, second = send(png(2))
        assert inference.run_next("worker")  # the first one is still what is loaded
        assert [versions(uid) for uid in (first, second)] == [["1.0"], ["2.0"]]
        assert inference.keep_up() == (checksum("2.0"), None)

    @pytest.mark.slow
    def test_one_that_cannot_be_loaded_is_refused_with_its_error(self, tried_for_real):
        with pytest.raises(NetworkRefused, match="SHA-256 differs"):
            switch("3.0")
        assert db.session.scalars(select(NetworkSwitch)).all() == []
        assert networks.active_name().version == "1.0"

    def test_the_active_one_is_not_switched_to_again(self):
        with pytest.raises(Conflict, match="already"):
            switch("1.0")

    def test_only_admins_and_the_operator_switch(self):
        with pytest.raises(Forbidden):
            networks.switch(person(), checksum("2.0"))
        assert networks.switch(None, checksum("2.0")).author_id is None

    def test_what_nobody_knows_is_not_found(self):
        with pytest.raises(NotFound):
            networks.switch(person("admin"), "f" * 64)

    def test_where_the_chosen_one_is_missing_scans_wait_and_nothing_else_answers(
        self, monkeypatch, tmp_path, caplog
    ):
        switch("2.0")
        _, uid = send(png(1))
        gone = current_app.extensions["config"].model_copy(update={"networks_dir": tmp_path})
        with monkeypatch.context() as patch:
            patch.setitem(current_app.extensions, "config", gone)
            assert inference.run_next("worker") is False
        assert "not on this machine" in caplog.text
        assert analyses.status(person(), uid).state == "queued"


class TestAgain:
    def test_it_adds_an_analysis_and_replaces_none(self, predictors):
        exam, image = send(png(1))
        work(predictors)
        switch("2.0")
        assert analyses.status(person(), image).outdated
        assert reanalysis.of_case(person(), exam) == 1
        assert analyses.status(person(), image).analysis is not None  # it stays on the screen meanwhile
        work(predictors)
        assert versions(image) == ["2.0", "1.0"]
        assert len(db.session.scalars(select(Job)).all()) == 2

    def test_the_same_network_is_not_asked_twice(self, predictors):
        exam, _ = send(png(1))
        work(predictors)
        with pytest.raises(AlreadyAnalysed, match=r"already analysed by secondread-test 1\.0"):
            reanalysis.of_case(person(), exam)
        switch("2.0")
        reanalysis.of_case(person(), exam)
        with pytest.raises(AlreadyAnalysed):  # it is on its way
            reanalysis.of_case(person(), exam)

    def test_after_switching_back_the_answer_of_before_is_not_asked_for_again(self, predictors):
        exam, image = send(png(1))
        work(predictors)
        switch("2.0")
        reanalysis.of_case(person(), exam)
        switch("1.0")
        work(predictors)
        assert versions(image) == ["1.0"]
        assert analyses.status(person(), image).state == "done"

    def test_the_newest_answer_is_what_lists_and_filters_go_by(self, predictors):
        exam, image = send(png(1))
        work(predictors)
        db.session.execute(Analysis.__table__.update().values(malignant=0.99, top_label="malignant"))
        db.session.commit()
        switch("2.0")
        reanalysis.of_case(person(), exam)
        work(predictors)
        newest = analyses.status(person(), image).analysis
        (state,) = findings.of_images(person(), [image])
        assert state.finding.analysis_id == newest.id
        shown = {label for label in CLASSES if history.page(person(), Filters(label=label)).rows}
        assert shown == ({newest.top_label} if not newest.out_of_scope else set())

    def test_another_group_sees_no_case_to_ask_for(self, predictors):
        exam, _ = send(png(1))
        work(predictors)
        with pytest.raises(NotFound):
            reanalysis.of_case(person(group="south"), exam)

    def test_the_case_page_has_all_of_it(self, predictors):
        exam, image = send(png(1))
        work(predictors)
        switch("2.0")
        reanalysis.of_case(person(), exam)
        work(predictors)
        status = cases.view(person(), exam, image).status
        assert (status.analysis.network_version, len(status.earlier), status.outdated) == ("2.0", 1, False)


class TestMany:
    def test_all_groups_or_one_with_progress_to_the_end(self, predictors):
        send(png(1)), send(png(2)), send(png(3), "south")
        work(predictors)
        switch("2.0")
        south = person(group="south").group_id
        assert (reanalysis.due(), reanalysis.due(south)) == (3, 1)
        reanalysis.start(person("admin"), south)
        assert (reanalysis.latest().left, reanalysis.latest().percent) == (1, 0)
        work(predictors)
        assert (reanalysis.latest().over, reanalysis.latest().percent, reanalysis.due()) == (True, 100, 2)
        reanalysis.start(None)
        work(predictors)
        assert [one.done for one in reanalysis.newest()] == [2, 1]
        with pytest.raises(AlreadyAnalysed):
            reanalysis.start(None)

    def test_what_is_left_can_be_cancelled_and_asked_for_again(self, predictors):
        send(png(1)), send(png(2))
        work(predictors)
        switch("2.0")
        row = reanalysis.start(person("admin"))
        current_app.extensions["predictors"] = {predictors["second"].card.checksum: predictors["second"]}
        assert inference.run_next("worker")
        assert reanalysis.cancel(person("admin"), row.uid) == 1
        stands = reanalysis.latest()
        assert (stands.done, stands.skipped, stands.over, stands.percent) == (1, 1, True, 100)
        assert reanalysis.start(person("admin")).frames == 1

    def test_the_history_finds_what_waits_as_long_as_it_does(self, predictors):
        send(png(1)), send(png(2))
        work(predictors)
        switch("2.0")
        row = reanalysis.start(None)
        assert waiting() == 2
        reanalysis.cancel(None, row.uid)
        assert waiting() == 0
        reanalysis.start(None)
        switch("1.0")
        assert waiting() == 0
        switch("2.0")
        reanalysis.of_case(person(), history.page(person(), Filters()).rows[0].uid)
        assert waiting() == 1
        work(predictors)
        assert waiting() == 0

    def test_one_at_a_time(self, predictors):
        send(png(1))
        work(predictors)
        switch("2.0")
        reanalysis.start(None)
        with pytest.raises(Conflict, match="under way"):
            reanalysis.start(None)

    def test_new_scans_go_first(self, predictors):
        send(png(1))
        work(predictors)
        switch("2.0")
        reanalysis.start(None)
        _, fresh = send(png(2))
        assert analyses.status(person(), fresh).ahead == 0
        assert inference.run_next("worker")
        assert versions(fresh) == ["2.0"]
        assert reanalysis.latest().left == 1

    def test_switching_cancels_what_the_other_was_asked(self, predictors):
        send(png(1))
        work(predictors)
        switch("2.0")
        reanalysis.start(None)
        switch("1.0")
        row = db.session.scalars(select(Reanalysis)).one()
        assert (reanalysis.latest().over, row.cancelled_at is not None) == (True, True)

    def test_only_admins_and_the_operator_do_that(self, predictors):
        send(png(1))
        work(predictors)
        switch("2.0")
        with pytest.raises(Forbidden):
            reanalysis.start(person())
        row = reanalysis.start(None)
        with pytest.raises(Forbidden):
            reanalysis.cancel(person(), row.uid)


class TestUse:
    def test_an_admin_counts_all_and_a_radiologist_the_own_group(self, predictors):
        send(png(1)), send(png(2), "south")
        work(predictors)
        (all_of_it,) = network_usage.of_networks(person("admin"))
        (own,) = network_usage.of_networks(person())
        assert (all_of_it.analyses, own.analyses, own.version) == (2, 1, "1.0")
        assert all_of_it.first <= own.first <= own.last <= all_of_it.last
