"""Erasures: what stays of a case that was erased. Nothing that a person wrote, nothing of the patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now
from webapp.models.user import Group, User

ERASED_BY = ("hand", "policy")


class Erasure(HasUid, Base):
    """The tombstone of one case.

    `exam_uid` is what the audit log calls the case. `figures`: what was measured, image by image, without
    free text (see `webapp.services.erasing.figures`). `left_over`: keys of stored files that are still to
    be removed, because the storage could not be reached.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("how IN ('hand', 'policy')", name="how"),
        Index(None, "erased_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_uid: Mapped[str] = mapped_column(String(32), unique=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), index=True)
    how: Mapped[str] = mapped_column(String(8))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    erased_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    figures: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    left_over: Mapped[list[str]] = mapped_column(Json, default=list)

    group: Mapped[Group] = relationship()
    author: Mapped[User | None] = relationship()
    files: Mapped[list[ErasedFile]] = relationship(back_populates="erasure", order_by="ErasedFile.id")


class ErasedFile(Base):
    """One file of an erased case: enough to know the same bytes again, and nothing to draw them from."""

    __tablename__ = "erased_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), index=True)
    image_uid: Mapped[str] = mapped_column(String(32))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)

    erasure: Mapped[Erasure] = relationship(back_populates="files")
