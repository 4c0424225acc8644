"""The cases of a teaching list: added, put in order, given notes, taken out and put back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from webapp.errors import Conflict, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import TeachingCase, TeachingEntry, TeachingList, User, now
from webapp.permissions import visible_teaching_cases, visible_teaching_lists
from webapp.services import audit, identity, teaching_lists
from webapp.services.teaching import MAX_NOTES

MAX_ENTRIES = 100
"""A presentation loads every picture before it starts."""


def of_list(kept: TeachingList) -> list[TeachingEntry]:
    """The entries in order. Left out are those taken out, and those whose case is in no class any more."""
    wanted = (
        select(TeachingEntry)
        .join(TeachingCase)
        .where(
            TeachingEntry.list_id == kept.id,
            TeachingEntry.removed_at.is_(None),
            TeachingCase.removed_at.is_(None),
        )
        .order_by(TeachingEntry.position, TeachingEntry.id)
    )
    return list(db.session.scalars(wanted))


def add(user: User, list_uid: str, case_uids: Sequence[str]) -> int:
    """Put cases at the end of a list; returns how many came in. Those that are in it stay where they are.

    Raises:
        NotFound: no such list or case for `user`.
        InvalidInput: nothing was chosen, or the list would become too long.
        Conflict: somebody else added one of them at the same moment.
    """
    kept, cases = teaching_lists.require(user, list_uid), _cases(user, case_uids)
    there = of_list(kept)
    present = {entry.case_id for entry in there}
    new = [case for case in cases if case.id not in present]
    if not cases:
        raise InvalidInput("Choose at least one case.", {"cases": "Choose at least one case."})
    if len(there) + len(new) > MAX_ENTRIES:
        message = f"A list holds at most {MAX_ENTRIES} cases; there are {len(there)} in this one."
        raise InvalidInput(message, {"cases": message})
    try:
        _append(kept, new)
    except IntegrityError:
        db.session.rollback()
        raise Conflict("Somebody added one of these cases at the same moment.") from None
    if new:
        audit.record("list_changed", user, "teaching_list", list_uid, what="cases added", cases=len(new))
    db.session.commit()
    return len(new)


def move(user: User, uid: str, by: int) -> TeachingEntry:
    """Put an entry `by` places further down (up where negative), at most to the end. As `require`."""
    entry = require(user, uid)
    order = of_list(_list(entry))
    at = order.index(entry)
    order.insert(max(0, at + by), order.pop(at))
    for position, each in enumerate(order):
        each.position = position
    return _changed(user, entry, "order")


def note(user: User, uid: str, notes: str) -> TeachingEntry:
    """Keep what the tutor wants to say to a case. As `require`; InvalidInput where it can't be kept."""
    entry = require(user, uid)
    if len(notes) > MAX_NOTES:
        message = f"At most {MAX_NOTES} characters."
        raise InvalidInput(message, {"notes": message})
    if identity.tells(entry.case.image, notes):
        message = "This repeats a reference, an accession number or a file name. Use other words."
        raise InvalidInput(message, {"notes": message})
    entry.notes = notes.strip()
    return _changed(user, entry, "notes")


def take_out(user: User, uid: str) -> TeachingEntry:
    """Take a case out of the list; it stays a teaching case. As `require`."""
    entry = require(user, uid)
    entry.removed_at = now()
    return _changed(user, entry, "case taken out")


def put_back(user: User, uid: str) -> TeachingEntry:
    """Undo `take_out`: the case is back where it was. As `require`."""
    entry = _find(user, uid)
    if entry.removed_at is None:
        return entry
    entry.removed_at = None
    return _changed(user, entry, "case put back")


def require(user: User, uid: str) -> TeachingEntry:
    """The entry `uid`. Raises NotFound where there is none for `user`."""
    entry = _find(user, uid)
    if entry.removed_at is not None:
        raise NotFound("This case was taken out of the list.")
    return entry


def list_of(entry: TeachingEntry) -> str:
    """The uid of the list that the entry is in."""
    return _list(entry).uid


def _find(user: User, uid: str) -> TeachingEntry:
    lists = visible_teaching_lists(user).with_only_columns(TeachingList.id)
    cases = visible_teaching_cases(user).with_only_columns(TeachingCase.id)
    entry = db.session.scalar(
        select(TeachingEntry).where(
            TeachingEntry.uid == uid, TeachingEntry.list_id.in_(lists), TeachingEntry.case_id.in_(cases)
        )
    )
    if entry is None:
        raise NotFound("There is no such case in a list of yours.")
    return entry


def _list(entry: TeachingEntry) -> TeachingList:
    return db.session.get_one(TeachingList, entry.list_id)


def _cases(user: User, uids: Sequence[str]) -> list[TeachingCase]:
    """In the order of `uids`, each once."""
    wanted = visible_teaching_cases(user).where(TeachingCase.uid.in_(uids))
    found = {case.uid: case for case in db.session.scalars(wanted)}
    if missing := set(uids) - set(found):
        raise NotFound(f"{len(missing)} of the chosen cases can't be found: taken out of teaching meanwhile?")
    return [found[uid] for uid in dict.fromkeys(uids)]


def _append(kept: TeachingList, cases: Sequence[TeachingCase]) -> None:
    """At the end of the list; an entry taken out earlier comes back with its notes."""
    last = db.session.scalar(select(func.max(TeachingEntry.position)).where(TeachingEntry.list_id == kept.id))
    start = 0 if last is None else last + 1
    earlier = {
        entry.case_id: entry
        for entry in db.session.scalars(select(TeachingEntry).where(TeachingEntry.list_id == kept.id))
    }
    for position, case in enumerate(cases, start):
        entry = earlier.get(case.id) or TeachingEntry(list_id=kept.id, case_id=case.id)
        entry.position, entry.removed_at = position, None
        db.session.add(entry)
    db.session.flush()


def _changed(user: User, entry: TeachingEntry, what: str) -> TeachingEntry:
    audit.record("list_changed", user, "teaching_list", list_of(entry), what=what)
    db.session.commit()
    return entry
