"""Analyses as the pages see them: asking for one, and how it stands. The work is in `inference`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Analysis, Image, Job, User
from webapp.permissions import require_image, require_writer
from webapp.services import audit, near_copies, networks, waking, workers
from webapp.services.near_copies import NearCopies
from webapp.services.networks import Name

_PENDING = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class AnalysisStatus:
    """How the analysis of one frame stands.

    `state`: none (never asked for), queued, running, done, failed or cancelled. `progress`: 0..100.
    `ahead`: jobs that are taken up before this one, 0 unless queued. `error_code` and `error` say what
    is wrong where failed. `analysis` is the newest answer of a network, which stays while it is asked for
    again; `earlier` are those before it, the newest first. `active` is the network that would answer now.
    `attended`: whether, as long as it is pending, any worker is there to do it. `near_copies`: the images of
    other cases that this one looks like.
    """

    image_uid: str
    frame: int
    state: str
    progress: int = 0
    attempt: int = 0
    max_attempts: int = 0
    ahead: int = 0
    error_code: str | None = None
    error: str | None = None
    analysis: Analysis | None = None
    earlier: tuple[Analysis, ...] = ()
    active: Name | None = None
    attended: bool = True
    near_copies: NearCopies = near_copies.NONE

    @property
    def pending(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in _PENDING

    @property
    def outdated(self) -> bool:
        """Whether there is an answer, and none by the active network."""
        said = [self.analysis, *self.earlier] if self.analysis else []
        by = {analysis.network_checksum for analysis in said if analysis}
        return bool(by) and self.active is not None and self.active.checksum not in by

    @property
    def standing(self) -> str:
        """All of a pending analysis that a page shows, in one word: when it changes, the page does."""
        return f"{self.state}-{self.progress}-{self.ahead}{'' if self.attended else '-alone'}"


def request_frame(user: User, image_uid: str, frame: int) -> None:
    """Ask for the analysis of a frame, or again for one that failed. Asking twice changes nothing.

    Raises:
        Forbidden: `user` may not change anything.
        NotFound: no such image for `user`, or no such frame.
    """
    require_writer(user)
    image = _image_with(user, image_uid, frame)
    job = _job(image, frame)
    if job is None or job.state in {"failed", "cancelled"}:
        audit.record("analysis_asked", user, "image", image.uid, frame=frame, again=job is not None)
    if job is None:
        db.session.add(Job(image=image, frame=frame))
    elif job.state in {"failed", "cancelled"}:
        job.state, job.attempt, job.progress = "queued", 0, 0
        job.error_code = job.error = None
    try:
        db.session.commit()
    except IntegrityError:  # somebody asked for the same frame in the same moment
        db.session.rollback()
    waking.wake()


def status(user: User, image_uid: str, frame: int = 0) -> AnalysisStatus:
    """How the analysis of a frame stands. NotFound as in `request_frame`."""
    image = _image_with(user, image_uid, frame)
    job = _job(image, frame)
    if job is None:
        return AnalysisStatus(image_uid, frame, "none")
    answers = _answers(image, frame)
    return AnalysisStatus(
        image_uid=image_uid,
        frame=frame,
        state=job.state,
        progress=job.progress,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        ahead=_ahead(job),
        error_code=job.error_code,
        error=job.error,
        analysis=answers[0] if answers else None,
        earlier=tuple(answers[1:]),
        active=networks.active_name(),
        attended=job.state not in _PENDING or workers.alive(),
        near_copies=near_copies.of_image(user, image),
    )


def _image_with(user: User, image_uid: str, frame: int) -> Image:
    image = require_image(user, image_uid)
    if not 0 <= frame < image.frames:
        raise NotFound(f"This image has {image.frames} frames; there is no frame {frame}.")
    return image


def _job(image: Image, frame: int) -> Job | None:
    """The newest job of the frame: earlier ones are done."""
    of_frame = select(Job).where(Job.image_id == image.id, Job.frame == frame)
    return db.session.scalar(of_frame.order_by(Job.id.desc()).limit(1))


def _answers(image: Image, frame: int) -> list[Analysis]:
    """What the networks said of the frame, the newest first."""
    of_frame = select(Analysis).where(Analysis.image_id == image.id, Analysis.frame == frame)
    return list(db.session.scalars(of_frame.order_by(Analysis.id.desc())))


def _ahead(job: Job) -> int:
    if job.state != "queued":
        return 0
    before = Job.id < job.id
    many = Job.reanalysis_id.is_not(None)
    goes_first = and_(~many, before) if job.reanalysis_id is None else or_(~many, before)
    earlier = select(func.count(Job.id)).where(
        or_(Job.state == "running", and_(Job.state == "queued", goes_first)), Job.id != job.id
    )
    return db.session.scalar(earlier) or 0
