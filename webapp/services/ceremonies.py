"""Steps: what one request begins and a second one finishes, once and within `LIVES`.

The browser's cookie carries a token, the row here what belongs to it: a copy of the cookie, or of an answer
given, is worth nothing once the step is done.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update

from webapp.errors import Conflict
from webapp.extensions import db
from webapp.models import Step, User, now

LIVES = timedelta(minutes=10)
_BYTES = 32
"""Of a token and of a challenge; WebAuthn Level 2, section 13.4.3 asks for 16 at least."""


class StepOver(Conflict):
    """The step was done already, took longer than `LIVES`, or was never begun in this browser."""

    code, title = "step_over", "This took too long, or was done already"
    default = "Nothing was changed. Begin again."


def begin(kind: str, user: User | None, secret: str | None = None) -> str:
    """Begin a step of `kind` (see `Step`) and return its token. Those too old are swept out on the way."""
    db.session.execute(delete(Step).where(Step.created_at < now() - LIVES))
    token = secrets.token_urlsafe(_BYTES)
    row = Step(token_hash=_hash(token), kind=kind, secret=secret)
    row.user_id = user.id if user else None
    db.session.add(row)
    db.session.commit()
    return token


def find(kind: str, token: str | None, user: User | None = None) -> Step:
    """The step of this token, which is of `kind` and, where `user` is given, theirs. Raises StepOver."""
    wanted = select(Step).where(Step.token_hash == _hash(token or ""), Step.kind == kind)
    step = db.session.scalar(wanted.where(Step.created_at > now() - LIVES))
    if step is None or (user is not None and step.user_id != user.id):
        raise StepOver()
    return step


def challenge(step: Step) -> bytes:
    """A new challenge for the step, in place of an earlier one."""
    step.challenge = secrets.token_bytes(_BYTES)
    db.session.commit()
    return step.challenge


def take_challenge(step: Step) -> bytes:
    """The step's challenge, which is then spent: of two answers to it one is heard. Raises StepOver.

    Committed at once: an answer that turns out wrong has used it up too.
    """
    asked, mine = step.challenge, step.id
    spent = update(Step).where(Step.id == mine, Step.challenge == asked).values(challenge=None)
    if asked is None or len(db.session.scalars(spent.returning(Step.id)).all()) != 1:
        raise StepOver()
    db.session.commit()
    return asked


def finish(step: Step) -> None:
    """The step is done, and only once. The caller commits. Raises StepOver where somebody was quicker."""
    gone = delete(Step).where(Step.id == step.id).returning(Step.id)
    if len(db.session.scalars(gone).all()) != 1:
        db.session.rollback()
        raise StepOver()


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
