"""Exams: what the pages call a case."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, UTCDateTime, now
from webapp.models.patient import Patient
from webapp.models.user import Group, User

if TYPE_CHECKING:
    from webapp.models.image import Image


class Exam(HasUid, Base):
    """The images of one visit. `synthetic` marks scans drawn by code."""

    __tablename__ = "exams"
    __table_args__ = (
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "synthetic", "created_at", "id"),
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "group_id", "accession"),
        Index(None, "group_id", "study_uid"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    accession: Mapped[str | None] = mapped_column(String(64))
    study_uid: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")
    synthetic: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)

    group: Mapped[Group] = relationship()
    owner: Mapped[User] = relationship()
    patient: Mapped[Patient | None] = relationship(back_populates="exams")
    images: Mapped[list[Image]] = relationship(back_populates="exam", order_by="Image.position")
