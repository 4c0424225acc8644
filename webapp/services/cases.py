"""One case as its page shows it: its images, the chosen one, how its analysis stands, who said what."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, Outcome, Read, User
from webapp.permissions import require_exam
from webapp.services import analyses, findings, history, outcomes, reads, rows
from webapp.services.analyses import AnalysisStatus
from webapp.services.filters import Filters
from webapp.services.findings import ImageState

_NO_IMAGE = "This case has no such image."


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with one image and frame in view.

    `frame` counts from 0; `analysed` are the frames that have an analysis. `mine` is the user's newest
    read of the image; `outcomes` are those of the case, all versions, the newest first. `newer` and `older`
    are the uids of the cases beside it in the filtered history.
    """

    exam: Exam
    images: tuple[ImageState, ...]
    image: Image
    frame: int
    status: AnalysisStatus
    analysed: tuple[int, ...]
    reads: tuple[Read, ...]
    mine: Read | None
    outcomes: tuple[Outcome, ...]
    newer: str | None
    older: str | None

    @property
    def analysis(self) -> Analysis | None:
        """The newest answer of a network to the frame in view."""
        return self.status.analysis

    @property
    def holding(self) -> dict[str, Outcome]:
        """Side -> the outcome that holds."""
        return outcomes.current(self.outcomes)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reads part of a case page shows, and no more: somebody waits for it after each save.

    `analysis` is the one that was on the screen, None where there was none; the rest as in `CaseView`.
    """

    exam: Exam
    image: Image
    analysis: Analysis | None
    reads: tuple[Read, ...]
    mine: Read | None


def reading(user: User, uid: str, image_uid: str, analysis_uid: str | None) -> Reading:
    """The reads of an image of the case `uid`, beside the analysis `analysis_uid` of that image.

    Raises:
        NotFound: no such case for `user`, or no such image in it.
    """
    exam = require_exam(user, uid)
    of_case = select(Image).where(Image.uid == image_uid, Image.exam_id == exam.id)
    image = db.session.scalar(of_case)
    if image is None:
        raise NotFound(_NO_IMAGE)
    of_image = select(Analysis).where(Analysis.uid == analysis_uid, Analysis.image_id == image.id)
    said = reads.history(user, image_uid)
    return Reading(
        exam=exam,
        image=image,
        analysis=db.session.scalar(of_image) if analysis_uid else None,
        reads=tuple(said),
        mine=reads.latest_of(said, user),
    )


def view(
    user: User,
    uid: str,
    image_uid: str | None = None,
    frame: int | None = None,
    filters: Filters | None = None,
) -> CaseView:
    """The case `uid` with an image in view; by default the one that leads, at its leading frame.

    Raises:
        NotFound: no such case for `user`, no such image in it, or no such frame.
    """
    exam = require_exam(user, uid)
    states = findings.of_exams([exam.id])[exam.id]
    state = _chosen(states, image_uid)
    if frame is None:
        frame = state.finding.frame if state.finding else 0
    image = db.session.get_one(Image, state.id)
    said = reads.history(user, image.uid)
    newer, older = history.neighbours(user, filters or Filters(), exam)
    return CaseView(
        exam=exam,
        images=tuple(states),
        image=image,
        frame=frame,
        status=analyses.status(user, image.uid, frame),
        analysed=_analysed(image),
        reads=tuple(said),
        mine=reads.latest_of(said, user),
        outcomes=tuple(outcomes.history(user, uid)),
        newer=newer,
        older=older,
    )


def answer(user: User, uid: str, analysis_uid: str) -> Analysis:
    """One answer of a network to an image of the case `uid`, the newest or an earlier one.

    Raises:
        NotFound: no such case for `user`, or no such answer in it.
    """
    exam = require_exam(user, uid)
    wanted = select(Analysis).join(Image, Image.id == Analysis.image_id)
    found = db.session.scalar(wanted.where(Analysis.uid == analysis_uid, Image.exam_id == exam.id))
    if found is None:
        raise NotFound("This case has no such analysis.")
    return found


def require_image_of(user: User, uid: str, image_uid: str) -> None:
    """Raise NotFound unless the image is one of the case `uid` and `user` may see both."""
    exam = require_exam(user, uid)
    wanted = select(Image.id).where(Image.uid == image_uid, Image.exam_id == exam.id)
    if db.session.scalar(wanted) is None:
        raise NotFound(_NO_IMAGE)


def _chosen(states: list[ImageState], image_uid: str | None) -> ImageState:
    leading = rows.lead(states)
    if leading is None:
        raise NotFound("This case has no images.")
    if image_uid is None:
        return leading
    for state in states:
        if state.uid == image_uid:
            return state
    raise NotFound(_NO_IMAGE)


def _analysed(image: Image) -> tuple[int, ...]:
    frames = select(Analysis.frame).where(Analysis.image_id == image.id).distinct().order_by(Analysis.frame)
    return tuple(db.session.scalars(frames))
