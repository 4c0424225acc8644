"""The audit log: who did what to which object. A chain of entries, each with the hash of the one before.

The database itself refuses to change or remove entries and reviews (triggers, migration `audit_chain`);
`webapp.services.audit_verify` finds what was done behind its back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import Base, Json, UTCDateTime, now

ACTIONS = {
    # people
    "sign_in": "signed in",
    "sign_in_failed": "failed to sign in",
    "sign_out": "signed out",
    "account_made": "made an account",
    "invited": "invited a person",
    "invitation_used": "accepted an invitation",
    "invitation_withdrawn": "withdrew an invitation",
    "roles_changed": "changed roles",
    "group_changed": "changed a group",
    "locked": "locked an account",
    "unlocked": "unlocked an account",
    "password_changed": "changed the password",  # words for a page  # nosec B105
    "second_factor_set": "set up a second factor",
    "second_factor_failed": "failed at the second factor",
    "second_factor_removed": "removed a second factor",
    "passkey_renamed": "renamed a passkey",
    "totp_key_changed": "encrypted the secrets of authenticator apps with the newest key",
    "second_factor_reset": "reset second factors",
    "recovery_codes_made": "made recovery codes",
    "recovery_code_used": "used a recovery code",
    "session_ended": "ended a session",
    "settings_changed": "changed a setting",
    # cases
    "uploaded": "uploaded a file",
    "refused": "was refused a file",
    "viewed": "viewed a case",
    "original_downloaded": "downloaded a file as received",
    "analysis_asked": "asked for an analysis",
    "analysed": "analysed an image",
    "analysis_failed": "could not analyse an image",
    "read_saved": "saved a read",
    "outcome_saved": "entered an outcome",
    "outcome_withdrawn": "withdrew an outcome",
    "erased": "erased a case",
    # lists, logs, networks
    "exported": "exported a list",
    "log_viewed": "looked at a log",
    "log_reviewed": "signed a review of the log",
    "log_verified": "verified the log",
    "network_switched": "switched the active network",
    "reanalysis_asked": "asked for cases to be analysed again",
    "reanalysis_cancelled": "cancelled a re-analysis",
    "backup_made": "made a backup",
    "restored": "restored a backup",
    # teaching
    "teaching_marked": "marked a case for teaching",
    "teaching_unmarked": "took a case out of teaching",
    "list_made": "made a teaching list",
    "list_changed": "changed a teaching list",
    "list_removed": "removed a teaching list",
    "presented": "presented a case list",
    "hands_counted": "counted hands",
}
"""Every act that is recorded, and how a page says it: "Robin Radiologist ... "."""


GENESIS = "0" * 64
"""What stands for the hash of the entry before the first."""


class AuditEntry(Base):
    """One act. `detail` never holds patient data: no reference, no accession, no file name.

    `id` is the number in the chain: 1, 2, 3, without a gap. `case_uid` is the case that the act was on,
    where it was on one. `previous_hash` is the `entry_hash` of the entry before; how the latter is made
    stands in `webapp.services.audit_chain`. No foreign key: an entry outlives the person and the case.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "actor_id", "at"),
        Index(None, "action", "at"),
        Index(None, "case_uid", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str] = mapped_column(String(32))
    object_uid: Mapped[str | None] = mapped_column(String(32))
    case_uid: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]] = mapped_column(Json)
    remote_addr: Mapped[str | None] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    entry_hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the chain, one row: number and hash of the last entry. Whoever appends holds it locked."""

    __tablename__ = "audit_heads"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    last_entry: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[str] = mapped_column(String(64), default=GENESIS)


class AuditReview(Base):
    """Somebody's word that all entries up to number `up_to`, then with `entry_hash`, were looked at."""

    __tablename__ = "audit_reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    up_to: Mapped[int]
    entry_hash: Mapped[str] = mapped_column(String(64))
    reviewer_id: Mapped[int]
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
