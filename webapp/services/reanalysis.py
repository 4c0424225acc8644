"""Analyses again, by the active network. Each adds an analysis; none is replaced.

What is due is decided by the frames that the active network has not answered yet: by the same weights a
frame is analysed once, because they would give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import aliased, joinedload

from webapp.errors import Conflict, NotFound, Unavailable
from webapp.extensions import db
from webapp.models import Analysis, Exam, Group, Image, Job, Reanalysis, User, now
from webapp.permissions import require_exam, require_writer
from webapp.services import audit, networks, waking, words
from webapp.services.networks import Name

_AT_ONCE = 100
"""Wake-up calls at the start; the workers' housekeeping sends the rest."""


class AlreadyAnalysed(Conflict):
    """The active network has answered all of it: asking it again would give the same."""

    code = "already_analysed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a re-analysis of many stands. `left`: waiting or at work; `skipped`: cancelled."""

    row: Reanalysis
    done: int
    failed: int
    left: int
    skipped: int
    remaining: timedelta | None
    """An estimate from the pace so far; None before there is one."""

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to wait for."""
        return self.left == 0

    @property
    def percent(self) -> int:
        """0..100, of what was not cancelled."""
        wanted = self.done + self.failed + self.left
        return 100 if wanted == 0 else 100 * (self.done + self.failed) // wanted

    @property
    def standing(self) -> str:
        """All that a page shows, in one word: when it changes, the page does."""
        return f"{self.done}-{self.failed}-{self.left}-{self.skipped}"


def of_case(user: User, exam_uid: str) -> int:
    """Ask the active network for every analysed frame of the case that it has not answered; how many.

    Raises:
        Forbidden: `user` may not change anything.
        NotFound: no such case for `user`.
        AlreadyAnalysed: there is nothing that it has not answered or been asked already.
    """
    require_writer(user)
    exam = require_exam(user, exam_uid)
    network = _active()
    asked = _ask(network, Image.exam_id == exam.id, None)
    if not asked:
        db.session.rollback()
        raise AlreadyAnalysed(
            f"Nothing to do: this case is already analysed by {network.name} {network.version}, the active "
            "network. The same network would say the same again."
        )
    audit.record("analysis_asked", user, "exam", exam.uid, again=True, frames=asked, network=network.checksum)
    db.session.commit()
    waking.wake(asked)
    return asked


def due(group_id: int | None = None) -> int:
    """How many analysed frames, of one group or of all, the active network has not answered."""
    frames = _frames(_active(), _of_group(group_id)).subquery()
    return db.session.scalar(select(func.count()).select_from(frames)) or 0


def start(user: User | None, group_id: int | None = None) -> Reanalysis:
    """Ask the active network for every analysed frame of a group, or of all, that it has not answered.

    New scans go first: what is asked for here waits while there is anything else. None is the operator.

    Raises:
        Forbidden: `user` is no admin.
        NotFound: there is no such group.
        Conflict: another re-analysis is under way.
        AlreadyAnalysed: there is nothing to do.
    """
    networks.require_admin(user)
    if group_id is not None and db.session.get(Group, group_id) is None:
        raise NotFound("There is no such group.")
    newest = latest()
    if newest is not None and not newest.over:
        raise Conflict("A re-analysis is under way. Cancel it first, or wait until it is done.")
    network = _active()
    row = Reanalysis(name=network.name, version=network.version, checksum=network.checksum, group_id=group_id)
    row.author_id = None if user is None else user.id
    db.session.add(row)
    db.session.flush()
    row.frames = _ask(network, _of_group(group_id), row.id)
    if not row.frames:
        db.session.rollback()
        raise AlreadyAnalysed(f"Nothing to do: {network.name} {network.version} has analysed all of it.")
    said = {"frames": row.frames, "network": network.checksum, "group": group_id}
    audit.record("reanalysis_asked", user, "reanalysis", row.uid, **said)
    db.session.commit()
    waking.wake(min(row.frames, _AT_ONCE))
    return row


def cancel(user: User | None, uid: str) -> int:
    """Cancel what still waits of a re-analysis; what is done stays. Returns how many frames were spared.

    Raises:
        Forbidden: `user` is no admin.
        NotFound: there is no such re-analysis.
    """
    networks.require_admin(user)
    row = db.session.scalar(select(Reanalysis).where(Reanalysis.uid == uid))
    if row is None:
        raise NotFound("There is no such re-analysis.")
    waiting = update(Job).where(Job.reanalysis_id == row.id, Job.state == "queued").returning(Job.image_id)
    images = db.session.scalars(waiting.values(state="cancelled", finished_at=now())).all()
    if spared := len(images):
        words.touch_images(db.session(), images)
        row.cancelled_at = now()
        audit.record("reanalysis_cancelled", user, "reanalysis", row.uid, frames=spared)
    db.session.commit()
    return spared


def groups() -> list[tuple[int, str]]:
    """Whose cases may be chosen: (id, name), by name."""
    return [
        (row.id, row.name) for row in db.session.execute(select(Group.id, Group.name).order_by(Group.name))
    ]


def latest() -> Progress | None:
    """The newest re-analysis of many, or None."""
    return next(iter(newest(1)), None)


def newest(limit: int = 10) -> list[Progress]:
    """The re-analyses of many so far, the newest first."""
    wanted = select(Reanalysis).order_by(Reanalysis.id.desc()).limit(limit)
    options = joinedload(Reanalysis.author), joinedload(Reanalysis.group)
    return [_progress(row) for row in db.session.scalars(wanted.options(*options))]


def _progress(row: Reanalysis) -> Progress:
    states = select(Job.state, func.count(Job.id)).where(Job.reanalysis_id == row.id).group_by(Job.state)
    counts = {row.state: row[1] for row in db.session.execute(states)}
    done, failed = counts.get("done", 0), counts.get("failed", 0)
    left = counts.get("queued", 0) + counts.get("running", 0)
    return Progress(row, done, failed, left, counts.get("cancelled", 0), _remaining(row, done + failed, left))


def _remaining(row: Reanalysis, over: int, left: int) -> timedelta | None:
    return (now() - row.created_at) / over * left if over and left else None


def _ask(network: Name, which: ColumnElement[bool], reanalysis_id: int | None) -> int:
    """Queue the frames; those that failed or were cancelled before keep their row. The caller commits."""
    frames = _frames(network, which)
    words.touch_images(db.session(), db.session.scalars(frames.with_only_columns(frames.selected_columns[0])))
    again = (
        update(Job)
        .where(Job.state.in_(("failed", "cancelled")), tuple_(Job.image_id, Job.frame).in_(frames))
        .values(state="queued", attempt=0, progress=0, error_code=None, error=None)
        .values(reanalysis_id=reanalysis_id, created_at=now(), finished_at=None)
        .execution_options(synchronize_session=False)
    )
    retried: Any = db.session.execute(again)
    columns = ["image_id", "frame", "state", "attempt", "max_attempts", "progress", "created_at"]
    fixed = (literal("queued"), literal(0), literal(3), literal(0), literal(now(), Job.created_at.type))
    rows = frames.add_columns(*fixed, literal(reanalysis_id, Job.reanalysis_id.type))
    added: Any = db.session.execute(insert(Job).from_select([*columns, "reanalysis_id"], rows))
    return int(retried.rowcount) + int(added.rowcount)


def _frames(network: Name, which: ColumnElement[bool]) -> Any:
    """SELECT image and frame of what was analysed, not by this network, and is not being analysed now."""
    theirs, ours = aliased(Analysis), aliased(Analysis)
    same = and_(ours.image_id == theirs.image_id, ours.frame == theirs.frame)
    answered = exists().where(same, ours.network_checksum == network.checksum)
    busy = exists().where(
        Job.image_id == theirs.image_id, Job.frame == theirs.frame, Job.state.in_(("queued", "running"))
    )
    frames = select(theirs.image_id, theirs.frame).join(Image, Image.id == theirs.image_id)
    return frames.where(which, ~answered, ~busy).distinct()


def _of_group(group_id: int | None) -> ColumnElement[bool]:
    exams = select(Exam.id)
    return Image.exam_id.in_(exams if group_id is None else exams.where(Exam.group_id == group_id))


def _active() -> Name:
    network = networks.active_name()
    if network is None:
        raise Unavailable("The active network can't be told: its card can't be read. Ask your administrator.")
    return network
