"""Second factors: passkeys, and what a browser has begun and not finished. The authenticator app and the
recovery codes of a person are columns of `User`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, HasUid, Json, UTCDateTime, now


class Passkey(HasUid, Base):
    """A credential of WebAuthn Level 2: what the server keeps of it (section 4, "Credential Record").

    `public_key` is in COSE form. `sign_count` is the authenticator's counter as last seen; 0 where it
    keeps none. `backed_up`: it is copied to other devices of the person.
    """

    __tablename__ = "passkeys"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1024), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    transports: Mapped[list[str]] = mapped_column(Json, default=list)
    backed_up: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Step(Base):
    """Something begun in one browser that a second request finishes, once and soon.

    `kind`: "sign_in" (password given, second factor not yet), "key" (a passkey in place of the password),
    "app" (an authenticator app being set up), "passkey" (a passkey being made). `token_hash`: SHA-256, in
    hexadecimal, of the token that the browser's cookie carries. `secret` is an encrypted TOTP secret;
    `challenge` the random bytes that the next answer of an authenticator has to sign.
    """

    __tablename__ = "steps"
    __table_args__ = (CheckConstraint("kind IN ('sign_in', 'key', 'app', 'passkey')", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    secret: Mapped[str | None] = mapped_column(Text)
    challenge: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)
