"""Hands that went up in a class, counted for each answer to a case."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.errors import Conflict, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import HandCount, Presentation, TeachingCase, User
from webapp.permissions import visible_presentations
from webapp.services import audit

MOST = 9999
"""Hands for one answer."""
ANSWERS = ("benign", "malignant", "normal", "unsure")


@dataclass(frozen=True, slots=True)
class Hands:
    """How many hands went up for each answer."""

    benign: int = 0
    malignant: int = 0
    normal: int = 0
    unsure: int = 0

    @property
    def total(self) -> int:
        """All hands."""
        return self.benign + self.malignant + self.normal + self.unsure

    def most(self) -> int:
        """Hands of the answer with the most: how long the longest bar of a chart is."""
        return max(self.benign, self.malignant, self.normal, self.unsure)

    def of(self, answer: str) -> int:
        """Hands for one of `ANSWERS`."""
        return asdict(self)[answer]  # type: ignore[no-any-return]


def count(user: User, presentation_uid: str, case_uid: str, counted: Hands) -> None:
    """Keep what was counted, in place of what was counted before.

    A count typed in without a connection may arrive late: it is kept even where the case was taken out of
    teaching meanwhile.

    Raises:
        NotFound: no such class for `user`, or the case is not in it.
        InvalidInput: a count below 0 or above `MOST`.
        Conflict: two browsers counted the case for the first time at the same moment.
    """
    show = db.session.scalar(visible_presentations(user).where(Presentation.uid == presentation_uid))
    case = db.session.scalar(select(TeachingCase).where(TeachingCase.uid == case_uid))
    if show is None or case is None or case_uid not in show.case_uids:
        raise NotFound("There is no such case in this class.")
    _require_countable(counted)
    kept = _kept(show, case) or HandCount(presentation_id=show.id, case_id=case.id)
    if kept.id is not None and _hands(kept) == counted:
        return
    for answer in ANSWERS:
        setattr(kept, answer, counted.of(answer))
    db.session.add(kept)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("Somebody counted this case at the same moment. Send it once more.") from None
    audit.record("hands_counted", user, "presentation", presentation_uid, hands=counted.total)
    db.session.commit()


def of(show: Presentation) -> dict[str, Hands]:
    """What was counted in a class, by uid of the case; nothing where nothing was."""
    wanted = (
        select(TeachingCase.uid, HandCount)
        .join(HandCount, HandCount.case_id == TeachingCase.id)
        .where(HandCount.presentation_id == show.id)
    )
    return {uid: _hands(kept) for uid, kept in db.session.execute(wanted)}


def _kept(show: Presentation, case: TeachingCase) -> HandCount | None:
    same = select(HandCount).where(HandCount.presentation_id == show.id, HandCount.case_id == case.id)
    return db.session.scalar(same)


def _hands(kept: HandCount) -> Hands:
    return Hands(kept.benign, kept.malignant, kept.normal, kept.unsure)


def _require_countable(counted: Hands) -> None:
    problems = {
        answer: f"A whole number from 0 to {MOST}."
        for answer in ANSWERS
        if not 0 <= counted.of(answer) <= MOST
    }
    if problems:
        raise InvalidInput(f"A count is a whole number from 0 to {MOST}.", problems)
