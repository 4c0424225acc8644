"""Sessions: which browsers are signed in. A cookie without its row is worth nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, HasUid, UTCDateTime, now


class UserSession(HasUid, Base):
    """One browser in which a person is signed in.

    `token_hash`: SHA-256, in hexadecimal, of the token that the browser's cookie carries; the token itself
    is not kept. `browser` is in words, "Firefox on Linux". Ending a session deletes its row.
    """

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(80))
    remote_addr: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
