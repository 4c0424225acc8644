"""Whose job is it? The states of a job row, each change one atomic statement on SQLite and Postgres alike.

A worker owns a job only while its lease runs. `attempt` goes up with every claim, so (worker, attempt)
names one lease: what a worker that was given up for dead brings later is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Update, and_, func, or_, select, update

from webapp.extensions import db
from webapp.models import Analysis, Image, Job, now
from webapp.services import audit, words

GAVE_UP = ("gave_up", "The analysis was broken off each time before it gave an answer. Try again.")
CRASHED = ("internal", "The analysis failed, and not because of the image. Try again.")


_IN_TURN = (Job.reanalysis_id.is_not(None), Job.id)
"""New scans and what somebody waits for, the oldest first; then what is analysed again by the thousand."""


class LeaseLost(Exception):
    """The lease ran out and the job is no longer this worker's."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One claim of one job. `last`: no attempt is left after this one."""

    job_id: int
    image_id: int
    frame: int
    worker: str
    attempt: int
    last: bool


def claim(worker: str, seconds: float) -> Lease | None:
    """Take the first job that nobody holds, for `seconds`; None where there is none."""
    first = select(Job.id).where(_claimable()).order_by(*_IN_TURN).limit(1).with_for_update(skip_locked=True)
    taken = {"state": "running", "worker": worker, "lease_until": now() + timedelta(seconds=seconds)}
    fresh = {"progress": 10, "started_at": now(), "finished_at": None, "error_code": None, "error": None}
    row = db.session.execute(
        update(Job)
        .where(Job.id == first.scalar_subquery(), _claimable())
        .values(attempt=Job.attempt + 1, **taken, **fresh)
        .returning(Job.id, Job.image_id, Job.frame, Job.attempt, Job.max_attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    db.session.commit()
    if row is None:
        return None
    return Lease(row.id, row.image_id, row.frame, worker, row.attempt, row.attempt >= row.max_attempts)


def renew(engine: Engine, lease: Lease, seconds: float, progress: int) -> bool:
    """Hold the job for another `seconds`, from any thread; False where it is no longer ours."""
    until = now() + timedelta(seconds=seconds)
    with engine.begin() as connection:
        changed = connection.execute(_ours(lease).values(lease_until=until, progress=progress))
        return changed.rowcount == 1


def finish(lease: Lease, analysis: Analysis | None) -> None:
    """Write the answer and close the job, in one transaction. None: it is answered already.

    Raises:
        LeaseLost: the lease is no longer ours; nothing is written.
    """
    _end(lease, state="done", progress=100, finished_at=now())
    if analysis is not None:
        db.session.add(analysis)
        network = f"{analysis.network_name} {analysis.network_version}"
        checksum = analysis.network_checksum
        _record("analysed", lease.image_id, frame=lease.frame, network=network, checksum=checksum)
    db.session.commit()


def fail(lease: Lease, code: str, message: str) -> None:
    """Close the job with what is wrong, for a person to read. LeaseLost as in `finish`."""
    _end(lease, state="failed", error_code=code, error=message, finished_at=now())
    _record("analysis_failed", lease.image_id, frame=lease.frame, code=code)
    db.session.commit()


def put_back(lease: Lease) -> None:
    """After an error that is not the image's: leave the job to the next attempt, or fail it after the
    last. LeaseLost as in `finish`."""
    if lease.last:
        fail(lease, *CRASHED)
    else:
        _end(lease, state="queued", progress=0)
        db.session.commit()


def release(worker: str) -> int:
    """Give back whatever `worker` still holds, the attempt uncounted: it stops on request."""
    returned = update(Job).where(Job.state == "running", Job.worker == worker)
    result = _run(returned, state="queued", progress=0, lease_until=None, attempt=Job.attempt - 1)
    db.session.commit()
    return result


def close_exhausted() -> int:
    """Fail the jobs whose last attempt ended without a word (a killed worker, a crash below Python)."""
    code, message = GAVE_UP
    failed = {"state": "failed", "error_code": code, "error": message, "lease_until": None}
    silent = update(Job).where(_expired(), Job.attempt >= Job.max_attempts)
    closed = silent.values(**failed, finished_at=now()).returning(Job.image_id, Job.frame)
    jobs = db.session.execute(closed, execution_options={"synchronize_session": False}).all()
    words.touch_images(db.session(), [image_id for image_id, _ in jobs])
    for image_id, frame in jobs:
        _record("analysis_failed", image_id, frame=frame, code=code)
    db.session.commit()
    return len(jobs)


def waiting() -> int:
    """How many jobs could be claimed now."""
    return db.session.scalar(select(func.count(Job.id)).where(_claimable())) or 0


def _record(action: str, image_id: int, **detail: Any) -> None:
    """Into the audit log, by nobody: the machine did it."""
    uid = db.session.scalar(select(Image.uid).where(Image.id == image_id))
    audit.record(action, None, "image", uid, **detail)


def _claimable() -> ColumnElement[bool]:
    return and_(or_(Job.state == "queued", _expired()), Job.attempt < Job.max_attempts)


def _expired() -> ColumnElement[bool]:
    return and_(Job.state == "running", Job.lease_until < now())


def _ours(lease: Lease) -> Update:
    return update(Job).where(
        Job.id == lease.job_id,
        Job.state == "running",
        Job.worker == lease.worker,
        Job.attempt == lease.attempt,
    )


def _end(lease: Lease, **values: Any) -> None:
    if _run(_ours(lease), lease_until=None, **values) != 1:
        db.session.rollback()
        raise LeaseLost(f"Job {lease.job_id}, attempt {lease.attempt}: the lease was lost.")
    words.touch_images(db.session(), [lease.image_id])


def _run(statement: Update, **values: Any) -> int:
    result: Any = db.session.execute(statement.values(**values).execution_options(synchronize_session=False))
    return int(result.rowcount)
