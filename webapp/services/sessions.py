"""Sessions on the server's side: a signed cookie alone signs nobody in, its row here has to be there too."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, delete, not_, select, update

from webapp import config
from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import User, UserSession, now
from webapp.services import audit, browsers

SEEN_EVERY = timedelta(minutes=5)
"""How exactly "last seen" is kept: looking at a page should not have to wait for a writer."""
_TOKEN_BYTES = 32


def begin(user: User, user_agent: str, address: str | None, earlier: str | None = None) -> str:
    """Sign `user` in: a new session, as `renew` opens it, and its entry in the audit log."""
    token = renew(user, user_agent, address, earlier)
    row = find(user, token)
    if row is not None:
        audit.note("sign_in", user, "session", row.uid, browser=row.browser)
    return token


def renew(user: User, user_agent: str, address: str | None, earlier: str | None) -> str:
    """Open a session and return its token. The one of the token `earlier`, in the same browser, is over."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    if earlier:
        db.session.execute(delete(UserSession).where(UserSession.token_hash == _hash(earlier)))
    db.session.execute(delete(UserSession).where(UserSession.user_id == user.id, not_(_alive())))
    row = UserSession(user_id=user.id, token_hash=_hash(token), remote_addr=address)
    row.browser = browsers.in_words(user_agent)
    db.session.add(row)
    db.session.commit()
    return token


def find(user: User, token: str | None) -> UserSession | None:
    """The live session of `user` with this token; None where it was ended, left alone or is too old."""
    if not token:
        return None
    mine = (UserSession.token_hash == _hash(token), UserSession.user_id == user.id)
    return db.session.scalar(select(UserSession).where(*mine, _alive()))


def seen(session: UserSession) -> None:
    """Keep that the session was just used, every `SEEN_EVERY` at most."""
    at = now()
    if at - session.seen_at < SEEN_EVERY:
        return
    with db.engine.begin() as connection:  # not the request's own session: a commit would expire its rows
        connection.execute(update(UserSession).where(UserSession.id == session.id).values(seen_at=at))


def of(user: User) -> Sequence[UserSession]:
    """The live sessions of a person, the last used first."""
    mine = select(UserSession).where(UserSession.user_id == user.id, _alive())
    return db.session.scalars(mine.order_by(UserSession.seen_at.desc(), UserSession.id.desc())).all()


def end(user: User, uid: str) -> UserSession:
    """End one's own session `uid`. Raises NotFound where there is none, or it is somebody else's."""
    mine = select(UserSession).where(UserSession.uid == uid, UserSession.user_id == user.id)
    session = db.session.scalar(mine)
    if session is None:
        raise NotFound("That session is over already.")
    audit.record("session_ended", user, "session", session.uid, browser=session.browser)
    db.session.delete(session)
    db.session.commit()
    return session


def end_others(user: User, token: str | None) -> int:
    """End every session of `user` but that of `token`; returns how many. Recorded as one act."""
    others = delete(UserSession).where(UserSession.user_id == user.id)
    if token:
        others = others.where(UserSession.token_hash != _hash(token))
    count = len(db.session.scalars(others.returning(UserSession.id)).all())
    if count:
        audit.record("session_ended", user, "user", str(user.id), count=count)
    db.session.commit()
    return count


def end_by_token(user: User, token: str | None) -> None:
    """End the session of a token, if there is one: at sign-out. A copy of the cookie dies with it."""
    if token:
        mine = delete(UserSession).where(UserSession.token_hash == _hash(token))
        uid = db.session.scalar(mine.returning(UserSession.uid))
        db.session.commit()
        if uid is not None:
            audit.note("sign_out", user, "session", uid)


def sign_in_failed(user: User | None) -> None:
    """Keep that somebody tried to sign in: as `user`, or as nobody that there is. What was typed is not kept.

    Both are written alike, so that the time which it takes tells nobody who has an account.
    """
    tried = None if user is None else str(user.id)
    audit.note("sign_in_failed", None, "user", tried)


def forget_all(user: User) -> int:
    """Delete every session of `user`; returns how many. The caller records why, and commits."""
    gone = delete(UserSession).where(UserSession.user_id == user.id).returning(UserSession.id)
    return len(db.session.scalars(gone).all())


def _alive() -> ColumnElement[bool]:
    """Neither SESSION_HOURS old nor left alone for SESSION_IDLE_MINUTES (`SEEN_EVERY` less at worst)."""
    settings, at = config.current(), now()
    return and_(
        UserSession.created_at > at - timedelta(hours=settings.session_hours),
        UserSession.seen_at > at - timedelta(minutes=settings.session_idle_minutes),
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
