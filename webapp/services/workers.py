"""Which workers live, for `/readyz` and the pages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, update

from webapp.extensions import db
from webapp.models import Worker, now

_FORGOTTEN_AFTER = timedelta(days=1)


def seen(name: str) -> None:
    """Note that the worker `name` lives now; forget those not heard of for a day (killed ones)."""
    known = db.session.execute(update(Worker).where(Worker.name == name).values(seen_at=now()))
    if getattr(known, "rowcount", 0) == 0:
        db.session.add(Worker(name=name))
    db.session.execute(delete(Worker).where(Worker.seen_at < now() - _FORGOTTEN_AFTER))
    db.session.commit()


def forget(name: str) -> None:
    """The worker `name` has stopped."""
    db.session.execute(delete(Worker).where(Worker.name == name))
    db.session.commit()
