"""The audit log under review: what an admin looks at, how the last verification went, who signed for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from webapp.errors import Conflict
from webapp.extensions import db
from webapp.models import AuditEntry, AuditHead, AuditReview, User
from webapp.permissions import require_admin
from webapp.services import audit, audit_verify, log_search
from webapp.services.history import Cursor
from webapp.services.log_search import ENTRIES, Line, LogFilters, LogPage

MOST_HERE = 1_000_000
"""Entries that a page verifies: some 20 seconds. More are for the command line."""
LONGEST_NOTE = 2000
"""Characters."""
PAGE = 100
REVIEWS = 20


class LogTooLong(Conflict):
    """Verifying would keep a page waiting for too long."""

    code, title = "log_too_long", "This log is too long to be verified from a page"
    default = "Have it verified on the server: `flask --app wsgi audit verify`. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Signed:
    """A review as a page says it. `next_entry` is where the review after it starts."""

    up_to: int
    who: str
    note: str
    at: datetime

    @property
    def next_entry(self) -> int:
        """The first entry that this review does not speak of."""
        return self.up_to + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log stands: its last entry, the entry of the last verification, the reviews, newest first."""

    last_entry: int
    verified: Line | None
    reviews: tuple[Signed, ...]

    @property
    def reviewed_up_to(self) -> int:
        """The last entry that somebody signed for; 0 where nobody has."""
        return max((review.up_to for review in self.reviews), default=0)

    @property
    def waiting(self) -> int:
        """How many entries nobody has signed for."""
        return max(0, self.last_entry - self.reviewed_up_to)


def standing(user: User) -> Standing:
    """How the log stands. Forbidden unless `user` is an admin."""
    require_admin(user)
    last_entry = db.session.scalar(select(AuditHead.last_entry)) or 0
    verified = log_search.page(LogFilters(action="log_verified"), size=1).lines
    return Standing(last_entry, verified[0] if verified else None, _reviews())


def look(
    user: User, filters: LogFilters, *, after: Cursor | None = None, before: Cursor | None = None
) -> LogPage:
    """A page of the log; that `user` looked is an entry of it. Forbidden unless `user` is an admin."""
    require_admin(user)
    found = log_search.page(filters, after=after, before=before)
    audit.note("log_viewed", user, "case_log" if filters.on_cases else "audit_log", **filters.said())
    return found


def unreviewed(user: User, after: int) -> tuple[Line, ...]:
    """The entries that nobody has signed for, behind number `after`, in the order of their numbers.

    Forbidden unless `user` is an admin. That `user` looked is recorded.
    """
    start = max(after, standing(user).reviewed_up_to)
    rows = db.session.execute(select(ENTRIES).where(ENTRIES.c.id > start).order_by(ENTRIES.c.id).limit(PAGE))
    found = log_search.lines(rows.mappings().all())
    audit.note("log_viewed", user, "audit_log", review=True, after=start)
    return found


def sign(user: User, up_to: int, entry_hash: str, note: str) -> AuditReview:
    """Sign for all entries up to number `up_to`, the one with `entry_hash`, as it was on the page.

    Raises:
        Forbidden: `user` is no admin.
        Conflict: somebody signed for this entry meanwhile, or it is not the one that was shown.
    """
    if up_to <= standing(user).reviewed_up_to:
        raise Conflict(
            "Somebody signed for these entries meanwhile. Load the page again to go on from there."
        )
    stored = db.session.scalar(select(AuditEntry.entry_hash).where(AuditEntry.id == up_to))
    if stored is None or stored != entry_hash:
        raise Conflict(f"Entry {up_to} is not the one that was shown. Verify the log before you sign.")
    review = AuditReview(up_to=up_to, entry_hash=stored, reviewer_id=user.id, note=note.strip())
    db.session.add(review)
    audit.record("log_reviewed", user, "audit_log", up_to=up_to)
    db.session.commit()
    return review


def verify(user: User) -> audit_verify.Report:
    """Verify the whole log now, on behalf of `user`.

    Raises:
        Forbidden: `user` is no admin.
        LogTooLong: it holds more than `MOST_HERE` entries.
    """
    if standing(user).last_entry > MOST_HERE:
        raise LogTooLong()
    return audit_verify.verify(actor=user)


def _reviews() -> tuple[Signed, ...]:
    newest = select(AuditReview).order_by(AuditReview.up_to.desc(), AuditReview.id.desc()).limit(REVIEWS)
    found: Sequence[AuditReview] = db.session.scalars(newest).all()
    known = log_search.names({review.reviewer_id for review in found})
    return tuple(
        Signed(one.up_to, known.get(one.reviewer_id, f"person {one.reviewer_id}"), one.note, one.at)
        for one in found
    )
