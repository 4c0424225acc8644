"""An act and its entry in the audit log are one transaction."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from webapp.extensions import db
from webapp.models import ACTIONS, AuditEntry
from webapp.services import accounts, audit


def test_an_entry_says_who_what_and_from_where(app: Flask) -> None:
    with app.app_context():
        actor = accounts.find("radiologist@north.example")
        audit.came_from("192.0.2.7")
        audit.record("viewed", actor, "exam", "f" * 32, frame=3)
        db.session.commit()
        entry = db.session.scalars(sa.select(AuditEntry)).one()
        assert (entry.actor_id, entry.action, entry.object_uid) == (actor.id, "viewed", "f" * 32)
        assert (entry.detail, entry.remote_addr) == ({"frame": 3}, "192.0.2.7")


def test_an_act_that_is_undone_leaves_no_entry(app: Flask) -> None:
    with app.app_context():
        audit.record("viewed", None, "exam")
        db.session.rollback()
        assert db.session.scalar(sa.select(sa.func.count(AuditEntry.id))) == 0


def test_every_action_has_words_for_a_page() -> None:
    assert all(words and words[0].islower() for words in ACTIONS.values())
