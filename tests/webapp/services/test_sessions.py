"""Sessions live on the server's side: what is ended there is over, whatever cookie comes along."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, User, UserSession, now
from webapp.services import accounts, browsers, sessions

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def me(app: Flask):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


def begin(user: User, earlier: str | None = None) -> str:
    return sessions.begin(user, FIREFOX, "10.0.0.1", earlier)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/18.0 Safari/605.1", "Safari on macOS"),
        ("curl/8.5.0", "an unknown program"),
        ("", "an unknown program"),
        ("<b>Firefox/1</b>" * 99, "Firefox on an unknown system"),
    ],
)
def test_a_browser_is_said_in_words_of_our_own(user_agent: str, words: str) -> None:
    assert browsers.in_words(user_agent) == words


def test_the_token_itself_is_not_kept(me: User) -> None:
    token = begin(me)
    row = sessions.find(me, token)
    assert row is not None
    assert token not in str([getattr(row, column.name) for column in UserSession.__table__.columns])


def test_each_sign_in_has_a_token_of_its_own_and_ends_the_earlier_of_the_same_browser(me: User) -> None:
    first = begin(me)
    second = begin(me, earlier=first)
    assert first != second
    assert sessions.find(me, first) is None
    assert sessions.find(me, second) is not None


def test_a_token_is_good_for_its_own_person_only(me: User) -> None:
    other = accounts.find("colleague@north.example")
    token = begin(me)
    assert sessions.find(other, token) is None
    assert sessions.find(me, None) is None
    assert sessions.find(me, "guess") is None


def test_a_session_is_over_after_its_hours_and_swept_at_the_next_sign_in(me: User) -> None:
    token = begin(me)
    db.session.execute(sa.update(UserSession).values(created_at=now() - timedelta(hours=12, seconds=1)))
    db.session.commit()
    assert sessions.find(me, token) is None
    assert sessions.of(me) == []
    begin(me)
    assert db.session.scalar(sa.select(sa.func.count(UserSession.id))) == 1


def test_one_ends_ones_own_session_and_nobody_elses(me: User) -> None:
    token = begin(me)
    (session,) = sessions.of(me)
    with pytest.raises(NotFound):
        sessions.end(accounts.find("colleague@north.example"), session.uid)
    sessions.end(me, session.uid)
    assert sessions.find(me, token) is None
    entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.actor_id, entry.object_uid) == ("session_ended", me.id, session.uid)


def test_all_others_end_and_this_one_stays(me: User) -> None:
    here, *others = (begin(me) for _ in range(3))
    stranger = accounts.find("colleague@north.example")
    elsewhere = begin(stranger)
    assert sessions.end_others(me, here) == 2
    assert sessions.find(me, here) is not None
    assert [sessions.find(me, token) for token in others] == [None, None]
    assert sessions.find(stranger, elsewhere) is not None


def test_last_seen_is_kept_every_few_minutes_not_at_each_request(me: User) -> None:
    session = sessions.find(me, begin(me))
    began = session.seen_at
    sessions.seen(session)
    db.session.refresh(session)
    assert session.seen_at == began
    session.seen_at = began - sessions.SEEN_EVERY
    db.session.commit()
    sessions.seen(session)
    db.session.refresh(session)
    assert session.seen_at >= began


def test_a_session_left_alone_is_over_and_one_in_use_is_not(me: User) -> None:
    token = begin(me)
    for minutes, alive in ((119, True), (121, False)):
        db.session.execute(sa.update(UserSession).values(seen_at=now() - timedelta(minutes=minutes)))
        assert (sessions.find(me, token) is not None) is alive
        assert len(sessions.of(me)) == int(alive)
