"""The worker says that it lives, takes up what was left behind, and gives back what it holds."""

from __future__ import annotations

import errno
import time

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.services_support import wait_for
from tests.webapp.rows import add_exam, add_image
from webapp import create_app, jobs, worker
from webapp.extensions import db
from webapp.models import Job, Worker, now
from webapp.services import accounts, leases, workers


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


@pytest.fixture
def queue(app):
    queue = app.extensions["queue"]
    yield queue
    queue.close()


@pytest.fixture
def housekeeper(app, queue):
    return worker._Housekeeper(app, queue)


def add_job(position: int = 0) -> Job:
    exam = add_exam(accounts.find("radiologist@north.example"))
    job = Job(image_id=add_image(exam, position).id)
    db.session.add(job)
    db.session.commit()
    return job


def test_a_job_whose_message_was_lost_is_called_for_once(queue, housekeeper):
    add_job()
    for _ in range(3):
        housekeeper._keep()
    assert queue.huey.storage.queue_size() == 1


def test_a_job_that_is_at_work_is_not_called_for(queue, housekeeper):
    add_job()
    leases.claim("another worker", 60)
    housekeeper._keep()
    assert queue.huey.storage.queue_size() == 0


def test_a_worker_says_that_it_lives_until_it_stops(queue, housekeeper):
    for _ in range(2):
        housekeeper._keep()
    assert db.session.scalars(select(Worker.name)).all() == [queue.worker]
    workers.forget(queue.worker)
    assert db.session.scalars(select(Worker.name)).all() == []


def test_a_killed_worker_is_forgotten_after_a_day(housekeeper):
    db.session.add(Worker(name="killed", seen_at=now() - 2 * workers._FORGOTTEN_AFTER))
    db.session.commit()
    housekeeper._keep()
    assert "killed" not in db.session.scalars(select(Worker.name)).all()


def test_housekeeping_goes_on_after_the_database_was_away(housekeeper, monkeypatch):
    away = iter([OperationalError("UPDATE workers", {}, Exception("database is locked"))])
    seen = workers.seen

    def seen_but_once(*said):
        for error in away:
            raise error
        seen(*said)

    monkeypatch.setattr(workers, "seen", seen_but_once)
    housekeeper._pause = 0.05
    housekeeper.start()
    wait_for(lambda: db.session.scalar(select(Worker.id)) or db.session.rollback(), 10)
    housekeeper.stop()


def test_a_worker_that_starts_before_the_database_waits_for_it(app, monkeypatch):
    away = iter([OperationalError("SELECT", {}, psycopg.OperationalError("connection refused"))])
    load, loads = worker.inference.predictor, []

    def load_but_once():
        for error in away:
            raise error
        loads.append(load())

    monkeypatch.setattr(worker.inference, "predictor", load_but_once)
    monkeypatch.setattr(worker, "_AWAY_SECONDS", 0)
    worker._load(app)
    assert len(loads) == 1


def test_a_worker_without_a_network_does_not_start_and_says_why(config, tmp_path):
    app = create_app(config.model_copy(update={"ml_weights": tmp_path}))
    job = add_job()
    with app.app_context():  # else the command would run in the context that the fixtures opened
        answer = app.test_cli_runner().invoke(args=["worker"])
    assert answer.exit_code == 1
    assert "card.json" in answer.output
    assert (job.state, job.attempt) == ("queued", 0)


@pytest.fixture
def unfit(monkeypatch):
    """What the worker would have ended itself for."""
    causes: list[BaseException] = []
    monkeypatch.setattr(worker, "end_unfit", causes.append)
    return causes


def test_a_worker_whose_job_hangs_ends_itself(housekeeper, queue, unfit, monkeypatch):
    monkeypatch.setattr(queue, "_busy_since", time.monotonic() - 13 * housekeeper._lease_seconds)
    housekeeper._run()
    assert [type(cause) for cause in unfit] == [TimeoutError]


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "no memory"), RuntimeError("a bug")])
def test_a_worker_that_cannot_keep_the_house_ends_itself(housekeeper, unfit, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(workers, "seen", fail)
    housekeeper._run()
    assert unfit == [error]


def test_a_worker_is_busy_only_during_a_job(queue, monkeypatch):
    during = []
    monkeypatch.setattr(jobs.inference, "run_next", lambda _: during.append(queue._busy_since))
    queue._analyse_next()
    assert during[0] is not None
    assert queue.busy_seconds() == 0
