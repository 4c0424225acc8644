"""A list shown to a class: begun with an order of its own, shown slide by slide, summed up afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Presentation, TeachingCase, TeachingEntry, TeachingList, User
from webapp.permissions import visible_presentations, visible_teaching_cases
from webapp.services import audit, hands, slides, teaching_entries, teaching_lists
from webapp.services.hands import Hands
from webapp.services.slides import Slide

RECENT = 20
"""How many classes are shown of those held."""
_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Judged:
    """Of `total` hands for `cases` cases of known truth, how many were right."""

    cases: int
    right: int
    total: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A class: its slides in the order of that day, and the hands counted so far, by uid of the case.

    `gone`: how many of its cases are in no class any more: taken out of teaching or erased since.
    """

    presentation: Presentation
    slides: tuple[Slide, ...]
    hands: dict[str, Hands]
    gone: int

    @property
    def counted(self) -> int:
        """Of how many of the slides hands were counted."""
        return sum(1 for slide in self.slides if slide.uid in self.hands)

    @property
    def judged(self) -> Judged:
        """The hands for cases whose truth is known."""
        known = [
            (self.hands[slide.uid], slide.truth)
            for slide in self.slides
            if slide.truth and slide.uid in self.hands
        ]
        right = sum(counted.of(truth) for counted, truth in known)
        return Judged(len(known), right, sum(counted.total for counted, _ in known))


@dataclass(frozen=True, slots=True)
class Note:
    """What a tutor has to say to one case: `general` wherever it is shown, `here` in this lesson."""

    slide: Slide
    general: str
    here: str


def start(user: User, list_uid: str) -> Presentation:
    """Begin a class with a list: in its order, or dealt anew where the list says so.

    Raises:
        NotFound: no such list for `user`.
        InvalidInput: there is no case in it.
    """
    kept = teaching_lists.require(user, list_uid)
    uids = [entry.case.uid for entry in teaching_entries.of_list(kept)]
    if not uids:
        raise InvalidInput("There is no case in this list yet. Add one, then present it.")
    seed = secrets.randbelow(_SEEDS) if kept.shuffled else None
    show = Presentation(
        list_id=kept.id,
        presenter_id=user.id,
        seed=seed,
        case_uids=uids if seed is None else dealt(uids, seed),
    )
    db.session.add(show)
    db.session.flush()
    audit.record("presented", user, "teaching_list", kept.uid, presentation=show.uid, cases=len(uids))
    db.session.commit()
    return show


def dealt(uids: Sequence[str], seed: int) -> list[str]:
    """`uids` in the order that `seed` deals: the same for the same seed."""
    order = list(uids)
    Random(seed).shuffle(order)  # noqa: S311  an order of slides, no secret  # nosec B311
    return order


def require(user: User, uid: str) -> Presentation:
    """The class `uid`. Raises NotFound where there is none for `user`."""
    show = db.session.scalar(visible_presentations(user).where(Presentation.uid == uid))
    if show is None:
        raise NotFound("There is no such class, or it belongs to another group.")
    return show


def shown(user: User, uid: str) -> Shown:
    """The slides of a class and what was counted. As `require`."""
    show = require(user, uid)
    cases = _cases(user, show)
    return Shown(show, tuple(slides.of_cases(cases)), hands.of(show), len(show.case_uids) - len(cases))


def notes(user: User, uid: str) -> list[Note]:
    """What the tutor wants to say, in the order of that day. As `require`."""
    show = require(user, uid)
    cases = _cases(user, show)
    of_list = select(TeachingEntry).where(TeachingEntry.list_id == show.list_id)
    here = {entry.case_id: entry.notes for entry in db.session.scalars(of_list)}
    return [
        Note(slide, case.notes, here.get(case.id, ""))
        for slide, case in zip(slides.of_cases(cases), cases, strict=True)
    ]


def held(user: User, kept: TeachingList | None = None) -> list[Presentation]:
    """The newest classes of the group, or those with one list."""
    wanted = visible_presentations(user).options(
        joinedload(Presentation.list), joinedload(Presentation.presenter)
    )
    if kept is not None:
        wanted = wanted.where(Presentation.list_id == kept.id)
    return list(db.session.scalars(wanted.order_by(Presentation.id.desc()).limit(RECENT)))


def _cases(user: User, show: Presentation) -> list[TeachingCase]:
    wanted = visible_teaching_cases(user).where(TeachingCase.uid.in_(show.case_uids))
    found = {case.uid: case for case in db.session.scalars(wanted)}
    return [found[uid] for uid in show.case_uids if uid in found]
