"""Lists of teaching cases: what a lesson is made of. They belong to the group: whoever teaches there may
change them, and a removal can be undone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import TeachingCase, TeachingEntry, TeachingList, User, now
from webapp.permissions import TEACHERS, roles_of, visible_teaching_lists
from webapp.services import audit
from webapp.services.names import clean_text

MAX_NAME = 120
"""Characters."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, and how many cases are in it."""

    list: TeachingList
    cases: int


def all_of(user: User) -> list[Listed]:
    """The lists of the group by name."""
    lists = db.session.scalars(
        visible_teaching_lists(user).order_by(TeachingList.name, TeachingList.id)
    ).all()
    counts = _counts([each.id for each in lists])
    return [Listed(each, counts.get(each.id, 0)) for each in lists]


def require(user: User, uid: str) -> TeachingList:
    """The list `uid`. Raises NotFound where there is none for `user`."""
    kept = db.session.scalar(visible_teaching_lists(user).where(TeachingList.uid == uid))
    if kept is None:
        raise NotFound("There is no such list, or it was removed.")
    return kept


def create(user: User, name: str) -> TeachingList:
    """An empty list. Raises InvalidInput where the name can't be used."""
    kept = TeachingList(group_id=user.group_id, owner_id=user.id, name=_name(name))
    db.session.add(kept)
    db.session.flush()
    audit.record("list_made", user, "teaching_list", kept.uid)
    db.session.commit()
    return kept


def change(user: User, uid: str, name: str, *, shuffled: bool) -> TeachingList:
    """Rename a list, and say whether each class gets another order. As `require` and `create`."""
    kept = require(user, uid)
    kept.name, kept.shuffled = _name(name), shuffled
    audit.record("list_changed", user, "teaching_list", uid, what="name and order")
    db.session.commit()
    return kept


def remove(user: User, uid: str) -> TeachingList:
    """Take a list away; the classes held with it stay. As `require`."""
    kept = require(user, uid)
    kept.removed_at = now()
    audit.record("list_removed", user, "teaching_list", uid)
    db.session.commit()
    return kept


def put_back(user: User, uid: str) -> TeachingList:
    """Undo `remove`. NotFound where there is no such list in the group."""
    same = select(TeachingList).where(TeachingList.uid == uid, TeachingList.group_id == user.group_id)
    kept = db.session.scalar(same) if roles_of(user) & TEACHERS else None
    if kept is None:
        raise NotFound("There is no such list.")
    if kept.removed_at is not None:
        kept.removed_at = None
        audit.record("list_made", user, "teaching_list", uid, undo=True)
        db.session.commit()
    return kept


def _counts(lists: list[int]) -> dict[int, int]:
    count = (
        select(TeachingEntry.list_id, func.count(TeachingEntry.id))
        .join(TeachingCase)
        .where(
            TeachingEntry.list_id.in_(lists),
            TeachingEntry.removed_at.is_(None),
            TeachingCase.removed_at.is_(None),
        )
        .group_by(TeachingEntry.list_id)
    )
    return {row[0]: row[1] for row in db.session.execute(count)}


def _name(name: str) -> str:
    clean = clean_text(name, MAX_NAME)
    if clean is None:
        message = f"Give the list a name of 1 to {MAX_NAME} characters."
        raise InvalidInput(message, {"name": message})
    return clean
