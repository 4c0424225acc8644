"""Which network analysed what: counts and times, never a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true

from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, User, Worker, now
from webapp.permissions import roles_of
from webapp.services.vitals import ALIVE


@dataclass(frozen=True, slots=True)
class Use:
    """What one network analysed. `images` and `analyses` differ where several frames of an image were."""

    name: str
    version: str
    checksum: str
    analyses: int
    images: int
    first: datetime
    last: datetime


def of_networks(user: User, checksum: str | None = None) -> list[Use]:
    """Each network that analysed anything, the one that worked last first; or the one with `checksum`.

    An admin gets the counts over every group, others those of their own.
    """
    moments = func.min(Analysis.created_at), func.max(Analysis.created_at)
    name = (func.max(Analysis.network_name), func.max(Analysis.network_version), Analysis.network_checksum)
    counts = func.count(Analysis.id), func.count(Analysis.image_id.distinct())
    wanted = select(*name, *counts, *moments).where(_within(user)).group_by(Analysis.network_checksum)
    if checksum is not None:
        wanted = wanted.where(Analysis.network_checksum == checksum)
    return [Use(*row) for row in db.session.execute(wanted.order_by(moments[1].desc()))]


def workers() -> list[Worker]:
    """The workers heard of in the last minute, with what they have loaded."""
    alive = select(Worker).where(Worker.seen_at > now() - ALIVE).order_by(Worker.id)
    return list(db.session.scalars(alive))


def _within(user: User) -> ColumnElement[bool]:
    if "admin" in roles_of(user):
        return true()
    own = select(Image.id).join(Exam, Exam.id == Image.exam_id).where(Exam.group_id == user.group_id)
    return Analysis.image_id.in_(own)
