"""Can work be done? Each part that the product needs is asked, quickly, and answers for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import AppError
from webapp.extensions import db
from webapp.models import Role, Worker, now
from webapp.services.storage import storage

WORKER_SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Part:
    """Whether a part is ready, and in words what is the matter. Words name no host and no person."""

    ready: bool
    words: str


def parts() -> dict[str, Part]:
    """The state of database, storage, queue and worker."""
    checks = {"database": _database, "storage": _storage, "queue": _queue, "worker": _worker}
    return {name: _ask(check) for name, check in checks.items()}


def _ask(check: Callable[[], Part]) -> Part:
    """`check`'s answer. One part that fails must not hide the state of the others."""
    try:
        return check()
    except SQLAlchemyError:
        db.session.rollback()
        return Part(False, "the database can't be reached, or is not upgraded (flask db upgrade)")
    except AppError as error:
        return Part(False, error.message)


def _database() -> Part:
    db.session.execute(select(func.count(Role.id)))
    return Part(True, "reachable and upgraded")


def _storage() -> Part:
    storage().probe()
    return Part(True, "writable")


def _queue() -> Part:
    reachable = current_app.extensions["queue"].reachable()
    return Part(reachable, "reachable" if reachable else "the queue can't be reached (QUEUE_URL)")


def _worker() -> Part:
    seen = db.session.scalar(select(func.max(Worker.seen_at)))
    if seen is None or now() - seen > WORKER_SILENT_AFTER:
        return Part(False, "no worker has been heard of for a minute (flask worker)")
    return Part(True, "at work")
