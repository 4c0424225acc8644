"""Who looked at which case: one entry in the audit log a view of its page.

The pixels that the page then fetches, tile by tile and frame by frame, are the same view. Pixels fetched
without the page are one by themselves.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from webapp.extensions import db
from webapp.models import AuditEntry, Image, TeachingCase, User, now
from webapp.services import audit

SAME_VIEW = timedelta(minutes=30)
"""So long after a view of an image, its pixels belong to that view: a page may stay open for a while."""


def at_page(user: User, image: Image, frame: int) -> None:
    """`user` opened the page of a case, with this image and frame in view."""
    audit.note("viewed", user, "image", image.uid, case=image.exam.uid, frame=frame)


def at_teaching_case(user: User, case: TeachingCase) -> None:
    """`user` opened the page of a teaching case, which shows the de-identified frame alone."""
    seen = {"case": case.image.exam.uid, "frame": case.frame}
    audit.note("viewed", user, "teaching_case", case.uid, **seen)


def at_pixels(user: User, image: Image) -> None:
    """`user` fetched pixels of an image."""
    if not _viewed_lately(user, image):
        audit.note("viewed", user, "image", image.uid, case=image.exam.uid, pixels_alone=True)


def _viewed_lately(user: User, image: Image) -> bool:
    """By the index on case and time: some entries of one case, however long the log."""
    view = select(AuditEntry.id).where(
        AuditEntry.case_uid == image.exam.uid,
        AuditEntry.at > now() - SAME_VIEW,
        AuditEntry.actor_id == user.id,
        AuditEntry.action == "viewed",
        AuditEntry.object_uid == image.uid,
    )
    return db.session.scalar(view.limit(1)) is not None
