"""Outcomes: what pathology or follow-up said in the end. Versioned, never overwritten."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, UTCDateTime, now
from webapp.models.exam import Exam
from webapp.models.user import User

METHODS = ("pathology", "follow_up")
RESULTS = ("benign", "malignant", "normal")


class Outcome(HasUid, Base):
    """The outcome of one breast of an exam, or of both; a correction is a new row with the next `version`.

    `laterality`: L, R, or B for both. It is kept by breast, not by image: what pathology says holds for
    every view of that breast, and one exam can have a carcinoma left and a cyst right. Versions run from 1
    for each exam and side, whoever enters them. `dated` is the day of the specimen, or the last day of the
    follow-up. A withdrawal is a version too: `withdrawn`, without method, result and date.
    """

    __tablename__ = "outcomes"
    __table_args__ = (
        UniqueConstraint("exam_id", "laterality", "version"),
        CheckConstraint("laterality IN ('L', 'R', 'B')", name="laterality"),
        CheckConstraint("method IN ('pathology', 'follow_up')", name="method"),
        CheckConstraint("result IN ('benign', 'malignant', 'normal')", name="result"),
        CheckConstraint(
            "withdrawn = (result IS NULL) AND withdrawn = (method IS NULL) AND withdrawn = (dated IS NULL)",
            name="whole",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exams.id"))
    laterality: Mapped[str] = mapped_column(String(1))
    version: Mapped[int] = mapped_column(default=1)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    method: Mapped[str | None] = mapped_column(String(16))
    result: Mapped[str | None] = mapped_column(String(32))
    dated: Mapped[date | None]
    words: Mapped[str] = mapped_column(Text, default="")
    """The histology, or why it was withdrawn."""
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    exam: Mapped[Exam] = relationship()
    author: Mapped[User] = relationship()
