"""Patients: a reference that means something to the group, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid

if TYPE_CHECKING:
    from webapp.models.exam import Exam


class Patient(HasUid, Base):
    """A person examined, known by the group's own reference."""

    __tablename__ = "patients"
    __table_args__ = (UniqueConstraint("group_id", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    reference: Mapped[str] = mapped_column(String(64))

    exams: Mapped[list[Exam]] = relationship(back_populates="patient")
