"""Analyses: what the network said. Never edited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now
from webapp.models.image import Image
from webapp.models.job import Job


class Analysis(HasUid, Base):
    """One network's answer to one frame.

    `probabilities`: {label: p}, p in 0..1, summing to 1. `heatmaps`: {label: {"values": rows of
    non-negative strengths, "peak": [row, column] as shares or None, "area": share, "words": text}}.
    `timings`: {stage: milliseconds}. `threshold`: the operating point that `call` was made at, 0..1.
    `malignant` (P(malignant)) and `top_label` repeat what `probabilities` says, so that the history can
    be sorted and filtered by the database.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        UniqueConstraint("image_id", "frame", "network_checksum"),
        CheckConstraint("call IN ('suspicious', 'not_suspicious')", name="call"),
        CheckConstraint("malignant BETWEEN 0 AND 1", name="malignant"),
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
        Index(None, "malignant"),
        Index(None, "network_checksum", "created_at", "image_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    frame: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), unique=True)
    network_name: Mapped[str] = mapped_column(String(64))
    network_version: Mapped[str] = mapped_column(String(64))
    network_checksum: Mapped[str] = mapped_column(String(64))
    probabilities: Mapped[dict[str, float]] = mapped_column(Json)
    call: Mapped[str] = mapped_column(String(16))
    threshold: Mapped[float]
    out_of_scope: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[list[str]] = mapped_column(Json, default=list)
    heatmaps: Mapped[dict[str, dict[str, Any]]] = mapped_column(Json)
    timings: Mapped[dict[str, float]] = mapped_column(Json, default=dict)
    malignant: Mapped[float]
    top_label: Mapped[str] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    image: Mapped[Image] = relationship(back_populates="analyses")
    job: Mapped[Job] = relationship()
