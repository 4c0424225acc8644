"""People: groups (a practice or a class), roles and users.

The columns that Flask-Security reads are those of its `UserMixin` and `RoleMixin`; only what is used
is kept, so that nothing in the table is for show.
"""

from __future__ import annotations

from datetime import datetime

from flask_security import RoleMixin, UserMixin
from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, Json, UTCDateTime, now

ROLES = ("radiologist", "admin", "tutor")

users_roles = Table(
    "users_roles",
    Base.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class Group(Base):
    """Those who see the same cases."""

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)

    users: Mapped[list[User]] = relationship(back_populates="group")


class Role(Base, RoleMixin):
    """One of `ROLES`."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))
    permissions: Mapped[list[str] | None] = mapped_column(Json)


class User(Base, UserMixin):
    """A person who signs in.

    `password` is an argon2id hash. `fs_uniquifier` stands for the user in the session: a new one ends
    every session. `timezone` is an IANA name.

    `tf_totp_secret`: the secret of the authenticator app, encrypted with a key that is not in the database;
    `tf_last_counter` the period (30 s each since 1970) of the last code taken. `tf_failures` wrong codes in
    a row, the last one at `tf_failed_at`. `mf_recovery_codes`: SHA-256, in hexadecimal, of those not used
    yet. `fs_webauthn_user_handle` stands for the person in the person's passkeys.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("theme IN ('dark', 'light')", name="theme"),
        CheckConstraint("density IN ('comfortable', 'compact')", name="density"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), index=True)
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    theme: Mapped[str] = mapped_column(String(8), default="dark")
    density: Mapped[str] = mapped_column(String(16), default="comfortable")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    tf_last_counter: Mapped[int | None]
    tf_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    tf_failed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(Json)
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(  # type: ignore[assignment]
        String(64), unique=True, index=True
    )

    group: Mapped[Group] = relationship(back_populates="users")
    roles: Mapped[list[Role]] = relationship(secondary=users_roles)  # type: ignore[assignment]
