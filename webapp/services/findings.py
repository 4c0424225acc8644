"""How each image of many cases stands, in a fixed number of queries however many cases there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, Job, User
from webapp.permissions import visible_images

_OPEN_FIRST = ("running", "queued", "failed", "done", "cancelled", "none")


@dataclass(frozen=True, slots=True)
class Finding:
    """The second read that speaks for an image: that of its most suspicious analysed frame.

    `label` and `probability` (0..1) are those of the most likely class. Where `out_of_scope` they must
    not be shown as a read; `reason` says why.
    """

    analysis_id: int
    frame: int
    label: str
    probability: float
    malignant: float
    call: str
    out_of_scope: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class ImageState:
    """One image of a list: `state` is that of its jobs, the open ones first; `finding` may be None."""

    id: int
    uid: str
    exam_uid: str
    filename: str
    frames: int
    state: str
    finding: Finding | None

    @property
    def pending(self) -> bool:
        """Whether an answer is still to come."""
        return self.state in {"queued", "running"}


def of_exams(exam_ids: Sequence[int]) -> dict[int, list[ImageState]]:
    """The images of each exam, in their order. Every exam asked for has an entry."""
    found: dict[int, list[ImageState]] = {exam_id: [] for exam_id in exam_ids}
    for exam_id, state in _states(Image.exam_id.in_(exam_ids)):
        found[exam_id].append(state)
    return found


def of_images(user: User, uids: Iterable[str]) -> list[ImageState]:
    """Those of the images that `user` may see; others are left out without a word."""
    visible = visible_images(user).with_only_columns(Image.id).where(Image.uid.in_(list(uids)))
    return [state for _, state in _states(Image.id.in_(db.session.scalars(visible).all()))]


def _states(which: ColumnElement[bool]) -> list[tuple[int, ImageState]]:
    findings, jobs = _findings(which), _job_states(which)
    columns = (Image.id, Image.uid, Image.exam_id, Exam.uid.label("exam_uid"), Image.filename, Image.frames)
    images = select(*columns).join(Exam, Exam.id == Image.exam_id).where(which)
    rows = db.session.execute(images.order_by(Image.exam_id, Image.position))
    return [
        (
            row.exam_id,
            ImageState(
                id=row.id,
                uid=row.uid,
                exam_uid=row.exam_uid,
                filename=row.filename,
                frames=row.frames,
                state=min(jobs.get(row.id, {"none"}), key=_OPEN_FIRST.index),
                finding=findings.get(row.id),
            ),
        )
        for row in rows
    ]


def _findings(which: ColumnElement[bool]) -> dict[int, Finding]:
    """The leading analysis of each image: in scope, then with the highest P(malignant). Of each frame the
    newest one counts."""
    columns = (
        Analysis.id,
        Analysis.image_id,
        Analysis.frame,
        Analysis.top_label,
        Analysis.probabilities,
        Analysis.malignant,
        Analysis.call,
        Analysis.out_of_scope,
        Analysis.reason,
    )
    order = (Analysis.out_of_scope.desc(), Analysis.malignant, Analysis.id)
    answers = select(*columns).join(Image, Image.id == Analysis.image_id).where(which, newest_of_frame())
    rows = db.session.execute(answers.order_by(*order))
    return {row.image_id: _finding(row) for row in rows}  # the last one of an image stays


def newest_of_frame() -> ColumnElement[bool]:
    """The condition that no network has answered the same frame after this `Analysis`."""
    later = aliased(Analysis)
    same = (later.image_id == Analysis.image_id, later.frame == Analysis.frame)
    return ~exists().where(*same, later.id > Analysis.id).correlate(Analysis)


def _finding(row: Any) -> Finding:
    return Finding(
        analysis_id=row.id,
        frame=row.frame,
        label=row.top_label,
        probability=row.probabilities[row.top_label],
        malignant=row.malignant,
        call=row.call,
        out_of_scope=row.out_of_scope,
        reason=row.reason,
    )


def _job_states(which: ColumnElement[bool]) -> dict[int, set[str]]:
    jobs = select(Job.image_id, Job.state).join(Image, Image.id == Job.image_id).where(which)
    states: dict[int, set[str]] = defaultdict(set)
    for image_id, state in db.session.execute(jobs):
        states[image_id].add(state)
    return states
