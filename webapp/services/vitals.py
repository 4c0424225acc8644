"""Figures for whoever watches the server: jobs, workers, storage, backups. Counts and seconds, no person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from sqlalchemy import func, select

from webapp.extensions import db
from webapp.models import JOB_STATES, AuditEntry, Job, Worker, now
from webapp.services import leases
from webapp.services.storage import storage

_RECENT = 200
"""Analyses that the times are taken from, of twice as many jobs: the last ones, so that a slow hour shows."""
ALIVE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the work stands.

    `jobs`: {state: how many}. `waiting`: jobs that a worker could take up now. `oldest_waiting`, `silent`
    (since a worker was heard of), `backup_age`: seconds, or None where there is none. `workers`: those
    heard of in the last minute. `analysis`: {0.5, 0.95: seconds} over the last `_RECENT` analyses, empty
    where there are too few. `storage_free`: bytes, None where the storage can't tell.
    """

    jobs: dict[str, int]
    waiting: int
    oldest_waiting: float | None
    workers: int
    silent: float | None
    analysis: dict[float, float]
    storage_free: int | None
    backup_age: float | None


def read() -> Vitals:
    """The figures as they are now. SQLAlchemyError or StorageError where they can't be had."""
    counts = db.session.execute(select(Job.state, func.count(Job.id)).group_by(Job.state))
    alive = select(func.count(Worker.id)).where(Worker.seen_at > now() - ALIVE)
    oldest = select(Job.created_at).where(Job.state == "queued").order_by(Job.id).limit(1)
    saved = select(func.max(AuditEntry.at)).where(AuditEntry.action == "backup_made")
    return Vitals(
        jobs=dict.fromkeys(JOB_STATES, 0) | {row[0]: row[1] for row in counts},
        waiting=leases.waiting(),
        oldest_waiting=_age(db.session.scalar(oldest)),
        workers=db.session.scalar(alive) or 0,
        silent=_age(db.session.scalar(select(func.max(Worker.seen_at)))),
        analysis=_analysis_seconds(),
        storage_free=storage().free_bytes(),
        backup_age=_age(db.session.scalar(saved)),
    )


def _analysis_seconds() -> dict[float, float]:
    newest = select(Job.state, Job.started_at, Job.finished_at).order_by(Job.id.desc()).limit(2 * _RECENT)
    times = [
        (finished - started).total_seconds()
        for state, started, finished in db.session.execute(newest)
        if state == "done" and started is not None and finished is not None
    ][:_RECENT]
    if len(times) < 2:
        return {}
    cuts = quantiles(times, n=20, method="inclusive")
    return {0.5: cuts[9], 0.95: cuts[18]}


def _age(moment: datetime | None) -> float | None:
    return None if moment is None else (now() - moment).total_seconds()
