"""Jobs: the truth of the queue. What the queue program holds only wakes workers.

Also the workers' sign of life, so that "nobody is analysing" can be told from "busy".
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UTCDateTime, now
from webapp.models.image import Image
from webapp.models.network import Reanalysis

_OPEN = text("state <> 'done'")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


class Job(Base):
    """The analysis of one frame of one image: wanted, under way, or over.

    A running job belongs to `worker` until `lease_until`; after that anyone may take it up again.
    `progress`: 0..100, percent. `reanalysis_id`: the wish for many that it came of, where it did: such a job
    lets the others go first.

    A frame has a job for each network that analysed it, one after the other; at most one is not done.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_open", "image_id", "frame", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "image_id", "frame"),
        Index(None, "reanalysis_id", "state"),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        Index(None, "state", "lease_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    frame: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    worker: Mapped[str | None] = mapped_column(String(120))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[int] = mapped_column(default=0)
    reanalysis_id: Mapped[int | None] = mapped_column(ForeignKey("reanalyses.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    image: Mapped[Image] = relationship(back_populates="jobs")
    reanalysis: Mapped[Reanalysis | None] = relationship()


class Worker(Base):
    """A worker process and when it last said that it lives.

    `network_checksum`: the network that it has loaded; `fault`: why it can't load the active one.
    """

    __tablename__ = "workers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    network_checksum: Mapped[str | None] = mapped_column(String(64))
    fault: Mapped[str | None] = mapped_column(Text)
