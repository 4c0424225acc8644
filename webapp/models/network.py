"""Networks in use: each switch of the active one, and each wish to have many cases analysed again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, UTCDateTime, now
from webapp.models.user import Group, User


class NetworkSwitch(Base):
    """From here on this network analyses. The newest row holds; before the first, the setting does.

    `checksum`: SHA-256 of the weights, by which a network is known everywhere. `folder`: what the page calls
    its folder. `author_id` is None where the operator switched at the command line.
    """

    __tablename__ = "network_switches"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    checksum: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(String(255))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    author: Mapped[User | None] = relationship()


class Reanalysis(HasUid, Base):
    """All frames that were to be analysed again by one network; the jobs that came of it point here.

    `group_id` is None where those of every group were meant. `frames`: how many there were.
    """

    __tablename__ = "reanalyses"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    checksum: Mapped[str] = mapped_column(String(64))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    frames: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    group: Mapped[Group | None] = relationship()
    author: Mapped[User | None] = relationship()
