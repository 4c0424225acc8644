"""The audit log: who did what to which object, when and from where. Entries are only ever added."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import AppError
from webapp.extensions import db
from webapp.models import ACTIONS, User
from webapp.services import audit_chain
from webapp.services.audit_chain import Act

log = logging.getLogger(__name__)

_LONGEST_ADDRESS = 64
_origin: ContextVar[str | None] = ContextVar("audit_origin", default=None)


def came_from(address: str | None) -> None:
    """Remember the network address behind what happens next in this request."""
    _origin.set(address and "".join(filter(str.isprintable, address))[:_LONGEST_ADDRESS])


def record(
    action: str,
    actor: User | None,
    object_type: str,
    object_uid: str | None = None,
    **detail: Any,
) -> None:
    """Add one entry, in the transaction of the act itself: the caller commits both or neither.

    `action` is a word of `webapp.models.audit.ACTIONS`. `actor` is None where nobody was signed in or the
    machine itself acted. `detail` holds plain JSON values and never patient data: no reference, no
    accession, no file name. `case=` in it, the uid of an exam, says on which case the act was; for an
    object of type "exam" or "image" that is found by itself.

    Raises ValueError where the action is no such word, or `detail` is no JSON.
    """
    audit_chain.put(db.session(), _act(action, actor, object_type, object_uid, detail))


def note(
    action: str,
    actor: User | None,
    object_type: str,
    object_uid: str | None = None,
    **detail: Any,
) -> None:
    """Add one entry at once, for looking, signing in and being refused: what changes nothing by itself.

    It has a transaction of its own, so that nothing else is committed and what a page has loaded stays
    loaded. The caller must have written nothing yet that is not committed: SQLite has one writer.

    Such an act goes on where the entry can't be written (disk full, database locked): reading must not
    stop for want of a log. The loss is an error in the operator's log, with all that the entry would say.
    """
    try:
        record_at_once(action, actor, object_type, object_uid, **detail)
    except (SQLAlchemyError, AppError) as error:
        who = None if actor is None else actor.id
        what = f"{action} {object_type} {object_uid} {detail} by user {who} from {_origin.get()}"
        log.error("audit entry lost (%s): %s", type(error).__name__, what)  # noqa: TRY400 no trace: SQL


def record_at_once(
    action: str,
    actor: User | None,
    object_type: str,
    object_uid: str | None = None,
    **detail: Any,
) -> None:
    """Add one entry in a transaction of its own, before data leaves the house: raises where that fails."""
    act = _act(action, actor, object_type, object_uid, detail)
    with db.session.session_factory() as session:
        audit_chain.put(session, act)
        session.commit()


def _act(
    action: str, actor: User | None, object_type: str, object_uid: str | None, detail: dict[str, Any]
) -> Act:
    if action not in ACTIONS:
        raise ValueError(f"{action} is no action of webapp.models.audit.ACTIONS: add it there.")
    plain = json.loads(json.dumps(detail, allow_nan=False))
    case_uid = plain.pop("case", None)
    actor_id = None if actor is None else actor.id
    return Act(actor_id, action, object_type, object_uid, case_uid, plain, _origin.get())
