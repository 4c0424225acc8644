"""Reads: what a person said. Versioned, never overwritten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.analysis import Analysis
from webapp.models.base import Base, HasUid, UTCDateTime, now
from webapp.models.image import Image
from webapp.models.user import User

BIRADS = ("0", "1", "2", "3", "4", "4A", "4B", "4C", "5", "6")
"""Assessment categories of the ACR BI-RADS Atlas, 5th edition; 4 may be divided."""


class Read(HasUid, Base):
    """One reader's answer to one image; a change of mind is a new row with the next `version`, from 1.

    `analysis_id`: the second read that the reader had on the screen, or None where there was none:
    without it nobody could tell later what was agreed with. `confidence`: 0..100, percent.
    """

    __tablename__ = "reads"
    __table_args__ = (
        UniqueConstraint("image_id", "reader_id", "version"),
        CheckConstraint("birads IN ('0','1','2','3','4','4A','4B','4C','5','6')", name="birads"),
        CheckConstraint("confidence BETWEEN 0 AND 100", name="confidence"),
        CheckConstraint("heatmap_on_lesion IN ('yes', 'partly', 'no')", name="heatmap_on_lesion"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    reader_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("analyses.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    agrees: Mapped[bool | None]
    own_class: Mapped[str | None] = mapped_column(String(32))
    birads: Mapped[str | None] = mapped_column(String(2))
    confidence: Mapped[int | None]
    heatmap_on_lesion: Mapped[str | None] = mapped_column(String(8))
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    image: Mapped[Image] = relationship(back_populates="reads")
    analysis: Mapped[Analysis | None] = relationship()
    reader: Mapped[User] = relationship()
