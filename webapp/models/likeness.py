"""What near copies of images are found by, and which were found. Derived from pixels: gone with the image."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UTCDateTime, now
from webapp.models.image import Image


class ImagePrint(Base):
    """Frame 0 of an image, as small as a comparison needs it.

    `pixels`: uint8 (60, 60), row by row: 3,600 bytes. On SQLite a row takes a page of 4 KiB, packed or not.
    `compared`: whether near copies of it were searched for.
    """

    __tablename__ = "image_prints"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    pixels: Mapped[bytes] = mapped_column(LargeBinary)
    compared: Mapped[bool] = mapped_column(default=False)


class PrintKey(Base):
    """An image stands under a key, and near copies of it are sought under the same: see `ml.copy_keys`.

    `group_id` repeats that of the exam, which never changes: the index gives the images of one group under a
    key, and never one of another group.
    """

    __tablename__ = "print_keys"
    __table_args__ = ({"sqlite_with_rowid": False},)

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class NearCopy(Base):
    """Two images of one group whose frames 0 are near copies. `correlation`: 0.87..1 once aligned.

    `first_id` < `second_id`, whichever was found by the other. `mirrored`: left and right are exchanged.
    """

    __tablename__ = "near_copies"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="order"),
        {"sqlite_with_rowid": False},
    )

    first_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    second_id: Mapped[int] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    correlation: Mapped[float]
    mirrored: Mapped[bool]
    found_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    first: Mapped[Image] = relationship(foreign_keys=[first_id])
    second: Mapped[Image] = relationship(foreign_keys=[second_id])
