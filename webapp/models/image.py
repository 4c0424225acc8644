"""Images: one file of an exam, one view, maybe many frames."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now
from webapp.models.exam import Exam
from webapp.models.user import User

if TYPE_CHECKING:
    from webapp.models.analysis import Analysis
    from webapp.models.job import Job
    from webapp.models.read import Read


class Image(HasUid, Base):
    """The file as received lies in the storage under `storage_key`; here is what is known of it.

    `sha256`: of the bytes as received, 64 lower-case hexadecimal characters. `width`, `height`: of one
    frame as shown, pixels. `spacing_*_mm`: mm per pixel, or None where unknown. `regions`: the
    ultrasound regions (DICOM PS3.3 C.8.5.5) as a list of objects with x0, y0, x1, y1, spacing_mm.
    """

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("exam_id", "position"),
        CheckConstraint("laterality IN ('L', 'R', 'B')", name="laterality"),
        CheckConstraint("frames >= 1 AND width >= 1 AND height >= 1", name="extent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exams.id"))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    storage_key: Mapped[str] = mapped_column(String(255), unique=True)
    filename: Mapped[str] = mapped_column(String(255))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    frames: Mapped[int] = mapped_column(default=1)
    spacing_row_mm: Mapped[float | None]
    spacing_col_mm: Mapped[float | None]
    regions: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    modality: Mapped[str | None] = mapped_column(String(16))
    laterality: Mapped[str | None] = mapped_column(String(1))
    view: Mapped[str | None] = mapped_column(String(64))
    uploader_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    exam: Mapped[Exam] = relationship(back_populates="images")
    uploader: Mapped[User] = relationship()
    jobs: Mapped[list[Job]] = relationship(back_populates="image", order_by="Job.frame")
    analyses: Mapped[list[Analysis]] = relationship(back_populates="image", order_by="Analysis.id")
    reads: Mapped[list[Read]] = relationship(back_populates="image", order_by="Read.id")
