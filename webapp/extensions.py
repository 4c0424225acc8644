"""The Flask extensions, made once without an application, tied to one in `init_app`."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_security import SQLAlchemyUserDatastore
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from webapp.models import Base, Role, User

log = logging.getLogger(__name__)

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "cache_size=-16384",
)

db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, render_as_batch=True, compare_type=True)
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)
users = SQLAlchemyUserDatastore(db, User, Role)


def init_app(app: Flask) -> None:
    """Tie every extension but sign-in (see `webapp.signin`) to `app`."""
    db.init_app(app)
    app.teardown_appcontext(_let_go)
    migrate.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)


def _let_go(error: BaseException | None) -> None:
    """End the database session of a request, before Flask-SQLAlchemy does. A server that died after the
    answer was made can't be told to roll back; it has, and the answer must not be lost for that."""
    try:
        db.session.remove()
    except DBAPIError:
        log.warning("the database went away before a session was closed")
        with suppress(DBAPIError):
            db.session().invalidate()
        db.session.registry.clear()


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    """WAL lets readers go on beside one writer; a writer waits for another up to 10 s, not at all by default.

    FULL: what was answered as accepted survives a power cut. With NORMAL the last commits in the WAL may
    be undone by one (https://sqlite.org/pragma.html#pragma_synchronous).
    Foreign keys are off in SQLite unless each connection asks (https://sqlite.org/foreignkeys.html, 2).
    16 MiB of pages are kept for each connection, eight times the default: a page of a long history fits.
    """
    if isinstance(connection, sqlite3.Connection):
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
