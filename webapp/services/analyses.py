"""Analyses as the pages see them: asking for one, and how it stands. The work is in `inference`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Analysis, Image, Job, User
from webapp.permissions import require_image, require_writer
from webapp.services import waking


@dataclass(frozen=True, slots=True)
class AnalysisStatus:
    """How the analysis of one frame stands.

    `state`: none (never asked for), queued, running, done, failed or cancelled. `progress`: 0..100.
    `ahead`: jobs that are taken up before this one, 0 unless queued. `error_code` and `error` say what
    is wrong where failed. `analysis` is the network's answer where done.
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

    @property
    def pending(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in {"queued", "running"}

    @property
    def standing(self) -> str:
        """All of a pending analysis that a page shows, in one word: when it changes, the page does."""
        return f"{self.state}-{self.progress}-{self.ahead}"


def request_frame(user: User, image_uid: str, frame: int) -> None:
    """Ask for the analysis of a frame, or again for one that failed. Asking twice changes nothing.

    Raises:
        Forbidden: `user` may not change anything.
        NotFound: no such image for `user`, or no such frame.
    """
    require_writer(user)
    image = _image_with(user, image_uid, frame)
    job = _job(image, frame)
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
    answer = db.session.scalar(select(Analysis).where(Analysis.job_id == job.id))
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
        analysis=answer,
    )


def _image_with(user: User, image_uid: str, frame: int) -> Image:
    image = require_image(user, image_uid)
    if not 0 <= frame < image.frames:
        raise NotFound(f"This image has {image.frames} frames; there is no frame {frame}.")
    return image


def _job(image: Image, frame: int) -> Job | None:
    return db.session.scalar(select(Job).where(Job.image_id == image.id, Job.frame == frame))


def _ahead(job: Job) -> int:
    if job.state != "queued":
        return 0
    earlier = select(func.count(Job.id)).where(Job.state.in_(("queued", "running")), Job.id < job.id)
    return db.session.scalar(earlier) or 0
