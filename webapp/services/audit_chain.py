"""The chain of the audit log: how an entry is written down and sealed, and how entries are appended.

An entry's hash is SHA-256, in hexadecimal, of the ASCII text

    <hash of the entry before>\n<the entry in canonical form>

so that no entry can be changed, left out or moved without breaking every later one. The canonical form
is JSON with sorted keys, no spaces, everything beyond ASCII escaped, and the time in UTC to the
microsecond: two programs that read the same entry, from SQLite or from Postgres, write the same text.

Acts wait in the session until it commits. Then, after everything else is flushed, the head of the chain
is locked (an UPDATE of its one row, which both databases respect), and the entries are numbered, sealed
and inserted. The head is thus the last lock that a transaction takes: nobody who holds it waits for
anything else, so it can be part of no deadlock. A transaction that is rolled back takes its acts with
it and uses up no number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import RowMapping, Table, event, insert, select, update
from sqlalchemy.orm import Session, SessionTransaction

from webapp.errors import Unavailable
from webapp.extensions import db
from webapp.models import AuditEntry, AuditHead, Exam, Image, now

_WAITING = "audit_acts"
_ENTRIES = cast(Table, AuditEntry.__table__)
Entry = Mapping[str, Any] | RowMapping
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class ChainLost(Unavailable):
    """The row that holds the end of the chain is gone: nothing can be appended."""

    code = "audit_chain_lost"
    default = (
        "The audit log has lost its end, so nothing can be recorded and nothing was changed. Ask your "
        "administrator to run `flask audit verify`."
    )


@dataclass(frozen=True, slots=True)
class Act:
    """What an entry says, before it has a number, a time and a seal. `detail` holds plain JSON values."""

    actor_id: int | None
    action: str
    object_type: str
    object_uid: str | None
    case_uid: str | None
    detail: dict[str, Any]
    remote_addr: str | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    act: Act
    within: SessionTransaction | None


def canonical(entry: Entry) -> str:
    """The text of an entry that is sealed. `entry` maps the columns to their values, `at` an aware datetime.

    Raises ValueError where `detail` holds a number that JSON has not (NaN, infinity).
    """
    at: datetime = entry["at"]
    return _ENCODE(
        {
            "id": entry["id"],
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor_id": entry["actor_id"],
            "action": entry["action"],
            "object_type": entry["object_type"],
            "object_uid": entry["object_uid"],
            "case_uid": entry["case_uid"],
            "detail": entry["detail"],
            "remote_addr": entry["remote_addr"],
        }
    )


def seal(previous_hash: str, entry: Entry) -> str:
    """The hash of `entry` behind an entry with `previous_hash`: 64 lower-case hexadecimal characters."""
    return sha256(f"{previous_hash}\n{canonical(entry)}".encode("ascii")).hexdigest()


def sealed(acts: Sequence[Act], last_entry: int, last_hash: str, at: datetime) -> list[dict[str, Any]]:
    """The rows that append `acts` to a chain that ends at `last_entry` with `last_hash`."""
    rows = []
    for number, act in enumerate(acts, last_entry + 1):
        row = {
            "id": number,
            "at": at,
            "actor_id": act.actor_id,
            "action": act.action,
            "object_type": act.object_type,
            "object_uid": act.object_uid,
            "case_uid": act.case_uid,
            "detail": act.detail,
            "remote_addr": act.remote_addr,
            "previous_hash": last_hash,
        }
        last_hash = row["entry_hash"] = seal(last_hash, row)
        rows.append(row)
    return rows


def put(session: Session, act: Act) -> None:
    """Let `act` wait for the commit of `session`."""
    if not session.in_transaction():
        session.begin()  # so that a rollback finds something to end
    within = session.get_nested_transaction()
    session.info.setdefault(_WAITING, []).append(_Waiting(act, within))


def _append(session: Session, acts: Sequence[Act]) -> None:
    last_entry, last_hash = _lock(session, len(acts))
    rows = sealed(acts, last_entry, last_hash, now())
    session.execute(insert(_ENTRIES), rows)
    session.execute(update(AuditHead).values(last_hash=rows[-1]["entry_hash"]), **_UNSEEN)


_UNSEEN: dict[str, Any] = {"execution_options": {"synchronize_session": False}}


def _lock(session: Session, count: int) -> tuple[int, str]:
    """Lock the head, count it up, and return number and hash of the entry that was the last."""
    counted = update(AuditHead).values(last_entry=AuditHead.last_entry + count)
    head = session.execute(counted.returning(AuditHead.last_entry, AuditHead.last_hash), **_UNSEEN).first()
    if head is None:
        raise ChainLost()
    return head.last_entry - count, head.last_hash


def _with_case(session: Session, act: Act) -> Act:
    """`act`, with the case where that follows from the object."""
    if act.case_uid is not None or act.object_uid is None:
        return act
    if act.object_type == "exam":
        return replace(act, case_uid=act.object_uid)
    if act.object_type == "image":
        of_image = select(Exam.uid).join(Image, Image.exam_id == Exam.id).where(Image.uid == act.object_uid)
        return replace(act, case_uid=session.scalar(of_image))
    return act


@event.listens_for(db.session, "before_commit")
def _before_commit(session: Session) -> None:
    """Append what waits, last of all. Where that fails it waits on: another commit of the same transaction
    must not bring the acts without their entries."""
    if session.in_nested_transaction() or not session.info.get(_WAITING):
        return
    session.flush()
    _append(session, [_with_case(session, waiting.act) for waiting in session.info[_WAITING]])
    del session.info[_WAITING]


@event.listens_for(db.session, "after_soft_rollback")
def _after_rollback(session: Session, ended: SessionTransaction) -> None:
    """Forget the acts of a savepoint that was rolled back, and of those released inside it."""
    if ended.nested:
        kept = [waiting for waiting in session.info.get(_WAITING, []) if not _inside(waiting.within, ended)]
        session.info[_WAITING] = kept


@event.listens_for(db.session, "after_transaction_end")
def _after_end(session: Session, ended: SessionTransaction) -> None:
    """Forget whatever still waits when the outermost transaction is over, however it ended."""
    if ended.parent is None:
        session.info.pop(_WAITING, None)


def _inside(within: SessionTransaction | None, ended: SessionTransaction) -> bool:
    while within is not None and within is not ended:
        within = within.parent
    return within is ended
