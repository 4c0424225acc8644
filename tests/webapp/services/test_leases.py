"""A job belongs to one worker at a time, and its answer is written once, on SQLite and on Postgres."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import current_app
from sqlalchemy import func, select, update

from tests.services_support import wait_for
from tests.webapp.rows import add_exam, add_image
from webapp.extensions import db
from webapp.models import Analysis, Group, Job, User, now
from webapp.services import leases
from webapp.services.heartbeat import Heartbeat
from webapp.services.leases import LeaseLost

LONG = 60


@pytest.fixture
def exam(both):
    """A case in an application on either database, whose context stays open."""
    with both.app_context():
        user = User(email="x@x.example", password="x", fs_uniquifier="x", name="X", group=Group(name="X"))
        db.session.add(user)
        db.session.flush()
        exam = add_exam(user)
        db.session.commit()
        yield exam
        db.session.remove()
        db.engine.dispose()


def add_jobs(exam, count: int = 1) -> list[int]:
    jobs = [Job(image_id=add_image(exam, position).id) for position in range(count)]
    db.session.add_all(jobs)
    db.session.commit()
    return [job.id for job in jobs]


def job(job_id: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, job_id)


def answer(lease) -> Analysis:
    network = {"network_name": "tiny", "network_version": "1", "network_checksum": "a" * 64}
    said = {"probabilities": {"malignant": 1.0}, "call": "suspicious", "threshold": 0.5, "malignant": 1.0}
    more = {"top_label": "malignant", "heatmaps": {}}
    return Analysis(
        image_id=lease.image_id, frame=lease.frame, job_id=lease.job_id, **network, **said, **more
    )


def answers() -> int:
    return db.session.scalar(select(func.count(Analysis.id)))


def expire(job_id: int) -> None:
    db.session.execute(update(Job).where(Job.id == job_id).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()


def test_the_oldest_waiting_job_is_claimed_first_and_only_once(exam):
    first, second = add_jobs(exam, 2)
    assert [leases.claim("a", LONG).job_id, leases.claim("b", LONG).job_id] == [first, second]
    assert leases.claim("c", LONG) is None
    assert (job(first).worker, job(first).attempt, job(first).state) == ("a", 1, "running")


def test_many_workers_at_once_never_share_a_job(exam):
    wanted = add_jobs(exam, 24)
    app, taken, start = current_app._get_current_object(), [], threading.Barrier(4)

    def work(name: str) -> None:
        start.wait()
        with app.app_context():
            while (lease := leases.claim(name, LONG)) is not None:
                taken.append(lease.job_id)

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == wanted


def test_a_running_job_is_not_taken_before_its_lease_has_run_out(exam):
    (job_id,) = add_jobs(exam)
    leases.claim("a", LONG)
    assert leases.waiting() == 0
    expire(job_id)
    assert leases.waiting() == 1
    assert leases.claim("b", LONG).attempt == 2


def test_the_answer_closes_the_job(exam):
    (job_id,) = add_jobs(exam)
    lease = leases.claim("a", LONG)
    leases.finish(lease, answer(lease))
    done = job(job_id)
    assert (done.state, done.progress, done.lease_until, answers()) == ("done", 100, None, 1)
    assert done.finished_at is not None
    assert leases.waiting() == 0


def test_the_answer_of_a_worker_that_lost_its_lease_is_refused(exam):
    (job_id,) = add_jobs(exam)
    slow = leases.claim("slow", LONG)
    expire(job_id)
    quick = leases.claim("quick", LONG)
    with pytest.raises(LeaseLost):
        leases.finish(slow, answer(slow))
    assert answers() == 0
    leases.finish(quick, answer(quick))
    with pytest.raises(LeaseLost):
        leases.finish(slow, answer(slow))
    with pytest.raises(LeaseLost):
        leases.fail(slow, "code", "words")
    assert (job(job_id).state, answers()) == ("done", 1)


def test_the_same_worker_claiming_again_holds_a_new_lease(exam):
    """A thread that hangs must not write with the lease that its own process took later."""
    (job_id,) = add_jobs(exam)
    first = leases.claim("a", LONG)
    expire(job_id)
    second = leases.claim("a", LONG)
    with pytest.raises(LeaseLost):
        leases.finish(first, answer(first))
    leases.finish(second, answer(second))
    assert answers() == 1


def test_the_database_itself_refuses_a_second_answer_to_a_job(exam):
    add_jobs(exam)
    lease = leases.claim("a", LONG)
    leases.finish(lease, answer(lease))
    db.session.add(answer(lease))
    with pytest.raises(Exception, match=r"(?i)unique"):
        db.session.commit()


def test_a_broken_job_is_tried_three_times_and_then_says_so(exam):
    (job_id,) = add_jobs(exam)
    for attempt in (1, 2):
        leases.put_back(leases.claim("a", LONG))
        assert (job(job_id).state, job(job_id).attempt) == ("queued", attempt)
    leases.put_back(leases.claim("a", LONG))
    over = job(job_id)
    assert (over.state, over.error_code) == ("failed", "internal")
    assert "Try again" in over.error
    assert leases.claim("a", LONG) is None


def test_a_job_whose_workers_were_killed_three_times_fails_with_words(exam):
    (job_id,) = add_jobs(exam)
    for _ in range(3):
        leases.claim("killed", LONG)
        expire(job_id)
    assert leases.waiting() == 0
    assert leases.close_exhausted() == 1
    assert (job(job_id).state, job(job_id).error_code) == ("failed", "gave_up")
    assert leases.close_exhausted() == 0


def test_a_worker_that_stops_on_request_gives_its_job_back_uncounted(exam):
    (job_id,) = add_jobs(exam)
    leases.claim("a", LONG)
    assert leases.release("somebody else") == 0
    assert leases.release("a") == 1
    assert (job(job_id).state, job(job_id).attempt, job(job_id).lease_until) == ("queued", 0, None)


def test_the_heartbeat_keeps_a_long_job(exam):
    (job_id,) = add_jobs(exam)
    lease = leases.claim("a", 1)
    before = job(job_id).lease_until
    with Heartbeat(db.engine, lease, 1):
        wait_for(lambda: job(job_id).lease_until > before + timedelta(seconds=1), 10)
        assert leases.claim("b", 1) is None
    leases.finish(lease, answer(lease))


def test_a_heartbeat_does_not_bring_a_lost_lease_back(exam):
    (job_id,) = add_jobs(exam)
    slow = leases.claim("slow", LONG)
    expire(job_id)
    leases.claim("quick", LONG)
    until = job(job_id).lease_until
    assert leases.renew(db.engine, slow, LONG, 50) is False
    assert (job(job_id).worker, job(job_id).lease_until) == ("quick", until)


def test_a_job_that_hangs_is_left_to_expire(exam, monkeypatch):
    monkeypatch.setattr("webapp.services.heartbeat._MOST_BEATS", 2)
    (job_id,) = add_jobs(exam)
    lease = leases.claim("a", 0.4)
    with Heartbeat(db.engine, lease, 0.4):
        wait_for(lambda: leases.waiting() == 1, 10)
    assert job(job_id).state == "running"
