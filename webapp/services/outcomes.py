"""Outcomes: what pathology or follow-up said of a breast. A correction or a withdrawal is a new version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from webapp.errors import Conflict, Forbidden, InvalidInput
from webapp.extensions import db
from webapp.models import Exam, Outcome, User, now
from webapp.permissions import require_exam, roles_of
from webapp.services import audit

EARLIEST = date(1970, 1, 1)
"""An outcome dated before this is a slip of the keyboard."""
_MEANWHILE = (
    "Somebody else entered or changed an outcome of this case since you opened it. Nothing was saved: load "
    "the page again to see it, then enter yours if it is still needed."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a radiologist enters. `laterality` L, R or B (both); `method` pathology or follow_up; `result` a
    class; `dated` the day of the specimen or the last day of the follow-up; `words` the histology."""

    laterality: str
    method: str
    result: str
    dated: date
    words: str = ""


def save(user: User, exam_uid: str, entry: Entry, known: int) -> Outcome:
    """Keep `entry` as the next version of the outcome of its side, and return it.

    `known` is how many rows (`history`) the person had on the screen. The same entry twice adds nothing:
    the first is returned (a double click is one outcome).

    Raises:
        Forbidden: `user` is no radiologist.
        NotFound: no such case for `user`.
        InvalidInput: the date is in the future, or before 1970.
        Conflict: somebody else entered one meanwhile.
    """
    exam = _writable(user, exam_uid)
    _require_day(user, entry.dated)
    kept = _rows(exam)
    latest = _latest(kept, entry.laterality)
    if latest is not None and _says(latest) == entry:
        return latest
    _require_known(kept, known)
    return _add(user, exam, Outcome(version=_next(latest), **asdict(entry)), "outcome_saved")


def withdraw(user: User, exam_uid: str, laterality: str, known: int, why: str = "") -> Outcome:
    """Say that the outcome of a side does not hold; its versions stay to be seen. Errors as in `save`.

    InvalidInput where there is none to withdraw; withdrawing twice adds nothing.
    """
    exam = _writable(user, exam_uid)
    kept = _rows(exam)
    latest = _latest(kept, laterality)
    if latest is None:
        raise InvalidInput("There is no outcome of this side, so there is none to withdraw.")
    if latest.withdrawn:
        return latest
    _require_known(kept, known)
    gone = Outcome(laterality=laterality, version=_next(latest), withdrawn=True, words=why)
    return _add(user, exam, gone, "outcome_withdrawn")


def history(user: User, exam_uid: str) -> list[Outcome]:
    """Every version of every side, the newest first. NotFound where `user` may not see the case."""
    return _rows(require_exam(user, exam_uid))


def current(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """Side -> the newest version, of the outcomes of one exam; withdrawn ones left out."""
    newest: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.laterality not in newest or newest[outcome.laterality].version < outcome.version:
            newest[outcome.laterality] = outcome
    return {side: newest[side] for side in "LRB" if side in newest and not newest[side].withdrawn}


def of_exams(exam_ids: Sequence[int]) -> dict[int, dict[str, Outcome]]:
    """The `current` outcomes of each exam that has one."""
    found: dict[int, list[Outcome]] = {}
    for outcome in db.session.scalars(select(Outcome).where(Outcome.exam_id.in_(exam_ids))):
        found.setdefault(outcome.exam_id, []).append(outcome)
    return {exam_id: kept for exam_id, of in found.items() if (kept := current(of))}


def of_image(kept: Mapping[str, Outcome], laterality: str | None) -> Outcome | None:
    """Which of an exam's `current` outcomes holds for an image of side `laterality`: that of its side, else
    that of both. An image whose side is not known has the outcome of both alone: a guess would be worse."""
    return kept.get(laterality or "B") or kept.get("B")


def _writable(user: User, exam_uid: str) -> Exam:
    if "radiologist" not in roles_of(user):
        raise Forbidden("Only radiologists enter outcomes.")
    return require_exam(user, exam_uid)


def _require_day(user: User, dated: date) -> None:
    if dated > now().astimezone(ZoneInfo(user.timezone)).date():
        raise InvalidInput(problems={"dated": "This day is still to come."})
    if dated < EARLIEST:
        raise InvalidInput(problems={"dated": f"Give a day from {EARLIEST.isoformat()} on."})


def _require_known(kept: Sequence[Outcome], known: int) -> None:
    if len(kept) != known:
        raise Conflict(_MEANWHILE)


def _rows(exam: Exam) -> list[Outcome]:
    wanted = select(Outcome).where(Outcome.exam_id == exam.id).options(joinedload(Outcome.author))
    return list(db.session.scalars(wanted.order_by(Outcome.id.desc())))


def _latest(kept: Sequence[Outcome], laterality: str) -> Outcome | None:
    return next((outcome for outcome in kept if outcome.laterality == laterality), None)


def _next(latest: Outcome | None) -> int:
    return 1 if latest is None else latest.version + 1


def _says(kept: Outcome) -> Entry | None:
    if kept.method is None or kept.result is None or kept.dated is None:
        return None
    return Entry(kept.laterality, kept.method, kept.result, kept.dated, kept.words)


def _add(user: User, exam: Exam, outcome: Outcome, act: str) -> Outcome:
    outcome.exam_id, outcome.author_id = exam.id, user.id
    db.session.add(outcome)
    audit.record(act, user, "exam", exam.uid, laterality=outcome.laterality, version=outcome.version)
    try:
        db.session.commit()
    except IntegrityError as error:  # a colleague took this version number in the same moment
        db.session.rollback()
        raise Conflict(_MEANWHILE) from error
    return outcome
