"""How long cases are kept: what the policy would erase, and what was erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select

from webapp import config
from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import Erasure, Exam, Group, User, now
from webapp.permissions import require_admin
from webapp.services import erasing
from webapp.services.erasing import Plan

CONFIRM_LETTERS = 8
"""So many letters of a case's identifier are typed to confirm that this one is meant."""
PAGE = 50


@dataclass(frozen=True, slots=True)
class Overview:
    """What the retention page shows. `days`: the policy's, or None; `due`: how many cases it would erase."""

    days: int | None
    due: int
    erasures: tuple[Erasure, ...]


def overview(user: User) -> Overview:
    """The policy and the newest erasures. Forbidden unless `user` is an admin."""
    require_admin(user)
    newest = select(Erasure).order_by(Erasure.erased_at.desc(), Erasure.id.desc()).limit(PAGE)
    days = config.current().retention_days
    due = 0 if days is None else len(_due(days))
    return Overview(days, due, tuple(db.session.scalars(newest)))


def question(user: User, exam_uid: str) -> Plan:
    """What would go with the case. Forbidden unless `user` is an admin; NotFound where there is none."""
    require_admin(user)
    return erasing.plan(exam_uid)


def erase_by_hand(user: User, exam_uid: str, typed: str) -> Erasure:
    """Erase the case, where `typed` is the beginning of its identifier.

    Raises:
        Forbidden: `user` is no admin.
        NotFound: there is no such case.
        InvalidInput: something else was typed; nothing was erased.
    """
    wanted = question(user, exam_uid).exam_uid[:CONFIRM_LETTERS]
    if typed.strip().lower() != wanted:
        words = f"Type {wanted} to erase this case. Nothing was erased."
        raise InvalidInput(words, {"typed": words})
    return erasing.erase(exam_uid, "hand", user)


def due(days: int, group: str | None = None) -> Iterator[Plan]:
    """What the policy would erase: cases that nothing came to for `days`, those longest untouched first.

    Synthetic cases are kept: they are of nobody. InvalidInput where there is no such group.
    """
    if group is not None and db.session.scalar(select(Group.id).where(Group.name == group)) is None:
        raise InvalidInput(f"There is no group {group!r}.")
    return (erasing.plan(uid) for uid in _due(days, group))


def run(days: int, group: str | None = None) -> Iterator[Erasure]:
    """Erase what is `due`, one commit a case, and finish what earlier runs left over."""
    erasing.finish()
    for planned in list(due(days, group)):
        yield erasing.erase(planned.exam_uid, "policy", None)


def _due(days: int, group: str | None = None) -> list[str]:
    return list(db.session.scalars(_untouched_for(timedelta(days=days), group)))


def _untouched_for(span: timedelta, group: str | None) -> Select[str]:
    touched = erasing.last_touched()
    wanted = select(Exam.uid).where(touched < now() - span, Exam.created_at < now() - span, ~Exam.synthetic)
    if group is not None:
        wanted = wanted.join(Group, Exam.group_id == Group.id).where(Group.name == group)
    return wanted.order_by(touched, Exam.id)
