"""Teaching: cases marked for a class, lists of them, and what a class answered.

Nothing here says who the patient is. What hangs on an image goes with it (ON DELETE CASCADE): an erased case
is in no lesson any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column, relationship

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now
from webapp.models.image import Image
from webapp.models.user import User

TRUTHS = ("benign", "malignant", "normal")
KNOWN_BY = ("pathology", "follow_up", "consensus", "synthetic")
"""How a truth is known: by histology; by imaging over time; by several readers together; drawn so by code."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What is cut off a frame before anybody in a class sees it, pixels of the frame as shown."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def any(self) -> bool:
        """Whether anything is cut off."""
        return self != Edges()

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of what remains of a frame."""
        return width - self.left - self.right, height - self.top - self.bottom


class Removable:
    """Adds `removed_at`: gone for everybody, but an undo brings it back as it was."""

    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TeachingCase(HasUid, Removable, Base):
    """One frame of an image, fit to be shown to a class. `notes` are for tutors; `truth` None: not known."""

    __tablename__ = "teaching_cases"
    __table_args__ = (
        UniqueConstraint("image_id", "frame"),
        Index(None, "group_id", "id"),
        CheckConstraint("truth IN ('benign', 'malignant', 'normal')", name="truth"),
        CheckConstraint("known_by IN ('pathology', 'follow_up', 'consensus', 'synthetic')", name="known_by"),
        CheckConstraint(
            "cut_top >= 0 AND cut_right >= 0 AND cut_bottom >= 0 AND cut_left >= 0", name="edges"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    frame: Mapped[int] = mapped_column(default=0)
    edges: Mapped[Edges] = composite(
        mapped_column("cut_top", default=0),
        mapped_column("cut_right", default=0),
        mapped_column("cut_bottom", default=0),
        mapped_column("cut_left", default=0),
    )
    title: Mapped[str] = mapped_column(String(120))
    notes: Mapped[str] = mapped_column(Text, default="")
    truth: Mapped[str | None] = mapped_column(String(16))
    known_by: Mapped[str | None] = mapped_column(String(16))
    marked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    image: Mapped[Image] = relationship()
    marked_by: Mapped[User] = relationship()


class TeachingList(HasUid, Removable, Base):
    """Teaching cases in the order of a lesson; `shuffled` where each presentation deals them anew."""

    __tablename__ = "teaching_lists"
    __table_args__ = (Index(None, "group_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(120))
    shuffled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    owner: Mapped[User] = relationship()


class TeachingEntry(HasUid, Removable, Base):
    """A case in a list. `notes` are what the tutor wants to say to it in this lesson."""

    __tablename__ = "teaching_entries"
    __table_args__ = (UniqueConstraint("list_id", "case_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("teaching_lists.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("teaching_cases.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    notes: Mapped[str] = mapped_column(Text, default="")

    case: Mapped[TeachingCase] = relationship()


class Presentation(HasUid, Base):
    """A list as shown to a class. `case_uids`: the order that day; `seed` dealt it, None where fixed."""

    __tablename__ = "presentations"

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("teaching_lists.id", ondelete="CASCADE"), index=True)
    presenter_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    seed: Mapped[int | None]
    case_uids: Mapped[list[str]] = mapped_column(Json)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    list: Mapped[TeachingList] = relationship()
    presenter: Mapped[User] = relationship()


class HandCount(Base):
    """How many hands went up for each answer to one case."""

    __tablename__ = "hand_counts"
    __table_args__ = (
        UniqueConstraint("presentation_id", "case_id"),
        CheckConstraint(
            "benign BETWEEN 0 AND 9999 AND malignant BETWEEN 0 AND 9999"
            " AND normal BETWEEN 0 AND 9999 AND unsure BETWEEN 0 AND 9999",
            name="hands",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    presentation_id: Mapped[int] = mapped_column(ForeignKey("presentations.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("teaching_cases.id", ondelete="CASCADE"), index=True)
    benign: Mapped[int] = mapped_column(default=0)
    malignant: Mapped[int] = mapped_column(default=0)
    normal: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, onupdate=now)
