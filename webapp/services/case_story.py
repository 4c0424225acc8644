"""A case's whole story for an admin: every act on it, in order, and what is known of its files. No image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Erasure, Exam, Image, User
from webapp.permissions import require_admin
from webapp.services import audit, log_search
from webapp.services.history import Cursor
from webapp.services.log_search import Line, LogFilters

PAGE = 200
EXPORTS = 20
_LOOKED_AT = 500
"""So many of the newest exports are looked through for those of the case's group."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a case, by its place in it; its name may tell who the patient is, so it is left out.

    `format`, `uploaded_at` and `uploader` are None where the case was erased.
    """

    image_uid: str
    sha256: str
    size_bytes: int
    format: str | None = None
    uploaded_at: datetime | None = None
    uploader: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A case and a page of what happened to it, the oldest first; `older` and `newer` lead to other pages.

    `exports`: lists of its group that were exported while it was there, the newest first: it may be in them.
    """

    uid: str
    group: str | None
    synthetic: bool
    erased: Erasure | None
    files: tuple[StoredFile, ...]
    lines: tuple[Line, ...]
    exports: tuple[Line, ...]
    later: Cursor | None

    @property
    def numbers(self) -> dict[str, int]:
        """Image uid -> its number on the page, from 1."""
        return {file.image_uid: number for number, file in enumerate(self.files, 1)}


def story(user: User, uid: str, after: Cursor | None = None, size: int = PAGE) -> Story:
    """What happened to the case `uid`, behind `after`; that `user` looked becomes part of it.

    Raises:
        Forbidden: `user` is no admin.
        NotFound: there is and was no such case.
    """
    require_admin(user)
    exam = db.session.scalar(select(Exam).where(Exam.uid == uid))
    erased = db.session.scalar(select(Erasure).where(Erasure.exam_uid == uid))
    wanted = log_search.oldest_first(LogFilters(case=uid), after)
    rows = db.session.execute(wanted.limit(size + 1)).mappings().all()
    if exam is None and erased is None and not rows:
        raise NotFound("There is and was no such case.")
    held = exam or erased
    told = Story(
        uid=uid,
        group=held.group.name if held else None,
        synthetic=exam is not None and exam.synthetic,
        erased=erased,
        files=tuple(_files(exam, erased)),
        lines=log_search.lines(rows[:size]),
        exports=_exports(held.group_id if held else None, exam.created_at if exam else None, erased),
        later=log_search.cursor(rows[size - 1]) if len(rows) > size else None,
    )
    audit.note("log_viewed", user, "case_log", None, case=uid)
    return told


def _files(exam: Exam | None, erased: Erasure | None) -> Iterator[StoredFile]:
    if exam is not None:
        images = select(Image).where(Image.exam_id == exam.id).order_by(Image.position)
        for image in db.session.scalars(images):
            facts = (image.format, image.created_at, image.uploader.name)
            yield StoredFile(image.uid, image.sha256, image.size_bytes, *facts)
    elif erased is not None:
        for gone in erased.files:
            yield StoredFile(gone.image_uid, gone.sha256, gone.size_bytes)


def _exports(group_id: int | None, since: datetime | None, erased: Erasure | None) -> tuple[Line, ...]:
    """Which cases were in a list is not kept, only the group whose list it was."""
    if group_id is None:
        return ()
    until = erased.erased_at if erased else None
    filters = LogFilters(action="exported", since=since, until=until)
    rows = db.session.execute(log_search.newest_first(filters).limit(_LOOKED_AT)).mappings().all()
    ours = [row for row in rows if row["object_type"] == "history" and row["detail"].get("group") == group_id]
    return log_search.lines(ours[:EXPORTS])
