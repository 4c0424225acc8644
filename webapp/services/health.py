"""Can work be done? Each part that the product needs is asked, quickly, and answers for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import AppError
from webapp.extensions import db
from webapp.services import schema, workers
from webapp.services.storage import StorageError, storage


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
        return Part(False, "the database can't be reached (DATABASE_URL: does it run?)")
    except AppError as error:
        return Part(False, error.message)


def _database() -> Part:
    at = schema.current(db.session.connection())
    if at is not None and at not in schema.known():
        return Part(False, "the database belongs to a newer version: install that, or restore a backup")
    if at != schema.needed():
        return Part(False, "the database is not upgraded (flask db upgrade)")
    return Part(True, "reachable and upgraded")


def _storage() -> Part:
    try:
        storage().probe()
    except StorageError:
        return Part(False, "files can't be written (STORAGE_URL: is the disk full, the bucket reachable?)")
    return Part(True, "writable")


def _queue() -> Part:
    reachable = current_app.extensions["queue"].reachable()
    return Part(
        reachable, "reachable" if reachable else "the queue can't be reached (QUEUE_URL: does it run?)"
    )


def _worker() -> Part:
    if not workers.alive():
        return Part(
            False, "no worker has been heard of for a minute: start one (flask worker), look at its log"
        )
    return Part(True, "at work")
