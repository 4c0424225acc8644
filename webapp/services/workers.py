"""Which workers live, for `/readyz` and the pages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select, update

from webapp.extensions import db
from webapp.models import Worker, now

SILENT_AFTER = timedelta(seconds=60)
_FORGOTTEN_AFTER = timedelta(days=1)


def seen(name: str, network: str | None = None, fault: str | None = None) -> None:
    """Note that the worker `name` lives now; forget those not heard of for a day (killed ones).

    `network`: the checksum of what it has loaded; `fault`: what keeps the active one from it.
    """
    said = {"seen_at": now(), "network_checksum": network, "fault": fault}
    known = db.session.execute(update(Worker).where(Worker.name == name).values(said))
    if getattr(known, "rowcount", 0) == 0:
        db.session.add(Worker(name=name, **said))
    db.session.execute(delete(Worker).where(Worker.seen_at < now() - _FORGOTTEN_AFTER))
    db.session.commit()


def alive() -> bool:
    """Whether any worker has been heard of within `SILENT_AFTER`."""
    last = db.session.scalar(select(func.max(Worker.seen_at)))
    return last is not None and now() - last <= SILENT_AFTER


def forget(name: str) -> None:
    """The worker `name` has stopped."""
    db.session.execute(delete(Worker).where(Worker.name == name))
    db.session.commit()
