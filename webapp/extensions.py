"""The Flask extensions, made once without an application, tied to one in `init_app`."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_security import SQLAlchemyUserDatastore
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, event

from webapp.models import Base, Role, User

db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, render_as_batch=True, compare_type=True)
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)
users = SQLAlchemyUserDatastore(db, User, Role)


def init_app(app: Flask) -> None:
    """Tie every extension but sign-in (see `webapp.signin`) to `app`."""
    db.init_app(app)
    migrate.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    """WAL lets readers go on beside one writer; a writer waits for another up to 10 s, not at all by default.

    FULL: what was answered as accepted survives a power cut. With NORMAL the last commits in the WAL may
    be undone by one (https://sqlite.org/pragma.html#pragma_synchronous).
    Foreign keys are off in SQLite unless each connection asks (https://sqlite.org/foreignkeys.html, 2).
    """
    if isinstance(connection, sqlite3.Connection):
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")
