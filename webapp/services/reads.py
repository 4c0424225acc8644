"""Reads: what a person says of an image. Each change of mind is a new version; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer, joinedload

from webapp.errors import Conflict, InvalidInput
from webapp.extensions import db
from webapp.models import Analysis, Image, Read, User
from webapp.permissions import require_image, require_writer
from webapp.services import audit

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader says of an image; None or "" where nothing was said.

    `own_class` is a class name, `birads` one of `models.BIRADS`, `confidence` 0..100 percent,
    `heatmap_on_lesion` yes, partly or no.
    """

    agrees: bool | None = None
    own_class: str | None = None
    birads: str | None = None
    confidence: int | None = None
    heatmap_on_lesion: str | None = None
    comment: str = ""


def save(user: User, image_uid: str, answer: Answer, analysis_uid: str | None = None) -> Read:
    """Keep `answer` as the next version of the user's read of the image, and return it.

    `analysis_uid` names the second read that was on the screen. The same answer to the same analysis as
    the version before adds nothing: that version is returned (a double click is one read).

    Raises:
        Forbidden: `user` may not read.
        NotFound: no such image for `user`.
        InvalidInput: the answer is empty, or `analysis_uid` is no analysis of this image.
        Conflict: the same reader kept saving at the same moment elsewhere.
    """
    require_writer(user)
    image = require_image(user, image_uid)
    if answer == Answer():
        raise InvalidInput("Nothing is filled in yet, so there is nothing to save.")
    analysis_id = _analysis_id(image, analysis_uid)
    for _ in range(_TRIES):
        latest = _latest(user, image)
        if latest is not None and _says(latest) == answer and latest.analysis_id == analysis_id:
            return latest
        try:
            return _add(user, image, answer, analysis_id, 1 if latest is None else latest.version + 1)
        except IntegrityError:  # another tab of the same reader took this version number
            db.session.rollback()
    raise Conflict("Your read is being saved somewhere else at the same moment. Save it again.")


def history(user: User, image_uid: str) -> list[Read]:
    """All reads of the image by everybody, the newest first, each with its reader and analysis.

    NotFound where there is no such image for `user`.
    """
    image = require_image(user, image_uid)
    wanted = select(Read).where(Read.image_id == image.id).order_by(Read.created_at.desc(), Read.id.desc())
    analysis = joinedload(Read.analysis).options(defer(Analysis.heatmaps), defer(Analysis.timings))
    return list(db.session.scalars(wanted.options(joinedload(Read.reader), analysis)))


def latest_of(reads: Sequence[Read], user: User) -> Read | None:
    """The user's own newest version among `reads`, or None."""
    mine = (read for read in reads if read.reader_id == user.id)
    return max(mine, key=lambda read: read.version, default=None)


def _latest(user: User, image: Image) -> Read | None:
    mine = select(Read).where(Read.image_id == image.id, Read.reader_id == user.id)
    return db.session.scalar(mine.order_by(Read.version.desc()).limit(1))


def _says(read: Read) -> Answer:
    return Answer(
        read.agrees, read.own_class, read.birads, read.confidence, read.heatmap_on_lesion, read.comment
    )


def _add(user: User, image: Image, answer: Answer, analysis_id: int | None, version: int) -> Read:
    read = Read(
        image_id=image.id, reader_id=user.id, analysis_id=analysis_id, version=version, **asdict(answer)
    )
    db.session.add(read)
    audit.record("read_saved", user, "image", image.uid, version=version)
    db.session.commit()
    return read


def _analysis_id(image: Image, analysis_uid: str | None) -> int | None:
    if not analysis_uid:
        return None
    of_image = select(Analysis.id).where(Analysis.uid == analysis_uid, Analysis.image_id == image.id)
    found = db.session.scalar(of_image)
    if found is None:
        raise InvalidInput("The second read that this answer speaks of is not one of this image.")
    return found
