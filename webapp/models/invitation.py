"""Invitations: one-time links to an account of one's own, or to a new password for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now
from webapp.models.user import Group, User


class Invitation(HasUid, Base):
    """A link that an admin gave out.

    `token_hash`: SHA-256, in hexadecimal, of the token in the link; the token itself is not kept. `user_id`:
    the account that the link gives a new password to; None where it makes one. `used_at` and
    `withdrawn_at` close it, as does `expires_at`.
    """

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(255), index=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    roles: Mapped[list[str]] = mapped_column(Json)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    group: Mapped[Group] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    invited_by: Mapped[User | None] = relationship(foreign_keys=[invited_by_id])
