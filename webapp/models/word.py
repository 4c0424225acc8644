"""Words: what each case is found under in the history. Repeats what other tables say, so that no list is a
search through all of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, UTCDateTime

WORD_LENGTH = 64
_WORD = String(WORD_LENGTH).with_variant(String(WORD_LENGTH, collation="C"), "postgresql")
"""Ordered by its bytes on both databases: the beginning of a word is then a range of the index."""


class ExamWord(Base):
    """A case stands under a word; which words there are, says `webapp.services.words`.

    `group_id` and `created_at` repeat those of the exam, which never change: the index thus gives the cases
    of a group under one word, newest first, without a look at anything else.
    """

    __tablename__ = "exam_words"
    __table_args__ = (
        Index(None, "group_id", "word", "created_at", "exam_id"),
        {"sqlite_with_rowid": False},
    )

    exam_id: Mapped[int] = mapped_column(ForeignKey("exams.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(_WORD, primary_key=True)
    group_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
