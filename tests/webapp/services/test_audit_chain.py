"""The chain of the audit log: canonical form, numbering, locking, and a database that refuses changes."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.extensions import db
from webapp.models import GENESIS, AuditEntry, AuditHead, AuditReview, Group, User, now
from webapp.services import accounts, audit, audit_verify
from webapp.services.audit_chain import ChainLost, canonical, seal

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
DETAIL = st.dictionaries(st.text(), PLAIN, max_size=5)
INSTANT = st.datetimes(timezones=st.just(UTC))


def entry(**more: object) -> dict[str, object]:
    """An entry with every column that is sealed."""
    said = {
        "id": 1,
        "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "actor_id": 7,
        "action": "viewed",
        "object_type": "exam",
        "object_uid": "f" * 32,
        "case_uid": "f" * 32,
        "detail": {"frame": 3},
        "remote_addr": "192.0.2.7",
    }
    return {**said, **more}


def entries() -> list[AuditEntry]:
    return list(db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))


def test_the_canonical_form_is_written_down_once_and_for_all() -> None:
    assert canonical(entry(detail={"b": "ä", "a": [1.5, None, True]})) == (
        '{"action":"viewed","actor_id":7,"at":"2026-01-02T03:04:05.000006+00:00",'
        '"case_uid":"ffffffffffffffffffffffffffffffff","detail":{"a":[1.5,null,true],"b":"\\u00e4"},"id":1,'
        '"object_type":"exam","object_uid":"ffffffffffffffffffffffffffffffff","remote_addr":"192.0.2.7"}'
    )


def test_a_seal_is_the_digest_of_the_hash_before_a_line_break_and_the_canonical_form() -> None:
    wanted = sha256((GENESIS + "\n" + canonical(entry())).encode()).hexdigest()
    assert seal(GENESIS, entry()) == wanted


@given(DETAIL, INSTANT)
def test_the_canonical_form_outlives_being_stored_as_json(detail: dict[str, object], at: datetime) -> None:
    stored = json.loads(json.dumps(detail))
    elsewhere = at.astimezone(timezone(timedelta(hours=-7)))
    assert canonical(entry(detail=detail, at=at)) == canonical(entry(detail=stored, at=elsewhere))


@given(DETAIL)
def test_the_canonical_form_is_ascii_in_one_line_and_does_not_know_the_order_of_keys(
    detail: dict[str, object],
) -> None:
    text = canonical(entry(detail=detail))
    assert text.isascii()
    assert "\n" not in text
    assert text == canonical(entry(detail=dict(reversed(detail.items()))))


@given(DETAIL, DETAIL)
def test_entries_that_say_different_things_are_written_differently(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (seal(GENESIS, entry(detail=one)) == seal(GENESIS, entry(detail=other))) is same


@pytest.mark.parametrize("column", sorted(entry()))
def test_no_column_can_change_without_the_seal(column: str) -> None:
    other = {"id": 2, "actor_id": 8, "at": now(), "detail": {"frame": 4}}.get(column, "other")
    assert seal(GENESIS, entry(**{column: other})) != seal(GENESIS, entry())
    assert seal("1" * 64, entry()) != seal(GENESIS, entry())


def test_what_no_json_can_hold_is_refused_when_recorded(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(ValueError, match="JSON"):
            audit.record("viewed", None, "exam", None, p=float("nan"))
        with pytest.raises(TypeError):
            audit.record("viewed", None, "exam", None, at=now())
        with pytest.raises(ValueError, match="ACTIONS"):
            audit.record("glanced", None, "exam")
        db.session.commit()
        assert entries() == []


@settings(max_examples=25)
@given(details=st.lists(DETAIL, min_size=1, max_size=4))
def test_whatever_is_recorded_is_verified_again_as_it_was_written(
    both_of_module: Flask, details: list[dict[str, object]]
) -> None:
    with both_of_module.app_context():
        for detail in details:
            audit.record("viewed", None, "exam", None, said=detail)
        db.session.commit()
        assert audit_verify.verify().faults == ()
        db.session.remove()


def test_entries_are_numbered_from_one_and_each_carries_the_hash_of_the_one_before(both: Flask) -> None:
    with both.app_context():
        for frame in range(3):
            audit.record("viewed", None, "exam", None, frame=frame)
        db.session.commit()
        audit.record("viewed", None, "exam", None, frame=3)
        db.session.commit()
        found = entries()
        assert [(e.id, e.detail["frame"]) for e in found] == [(1, 0), (2, 1), (3, 2), (4, 3)]
        assert [e.previous_hash for e in found] == [GENESIS, *[e.entry_hash for e in found[:-1]]]
        head = db.session.scalars(sa.select(AuditHead)).one()
        assert (head.last_entry, head.last_hash) == (4, found[-1].entry_hash)


def test_what_is_rolled_back_uses_up_no_number(both: Flask) -> None:
    with both.app_context():
        audit.record("viewed", None, "exam")
        db.session.commit()
        audit.record("refused", None, "file")
        db.session.rollback()
        audit.record("refused", None, "file")
        db.session.execute(sa.select(1))
        db.session.close()
        audit.record("viewed", None, "image")
        db.session.commit()
        assert [(e.id, e.object_type) for e in entries()] == [(1, "exam"), (2, "image")]


def test_a_savepoint_that_is_undone_takes_its_acts_with_it_and_no_others(both: Flask) -> None:
    with both.app_context():
        audit.record("viewed", None, "before")
        with db.session.begin_nested():
            audit.record("viewed", None, "released")
        undone = db.session.begin_nested()
        audit.record("viewed", None, "undone")
        with db.session.begin_nested():
            audit.record("viewed", None, "released inside")
        undone.rollback()
        audit.record("viewed", None, "after")
        db.session.commit()
        assert [e.object_type for e in entries()] == ["before", "released", "after"]


def test_an_act_whose_commit_fails_leaves_no_entry(both: Flask) -> None:
    with both.app_context():
        audit.record("settings_changed", None, "group")
        db.session.add(Group(name="North"))
        with pytest.raises(sa.exc.IntegrityError):
            db.session.commit()
        db.session.rollback()
        audit.record("viewed", None, "exam")
        db.session.commit()
        assert [(e.id, e.action) for e in entries()] == [(1, "viewed")]


def test_the_chain_takes_any_number_of_processes_at_once(both: Flask) -> None:
    """Each thread is a process for the database: a session and a connection of its own. They also hold the
    lock that filing takes, in the same transaction and before, and every other one takes back its act."""
    threads, acts, failures = 8, 12, []

    def work(name: int) -> None:
        try:
            for act in range(acts):
                with both.app_context():
                    audit.record("viewed", None, "exam", None, by=name, act=act)
                    db.session.execute(sa.update(Group).values(name=Group.name))
                    if act % 2:
                        db.session.rollback()
                    else:
                        db.session.commit()
        except Exception as error:  # noqa: BLE001 a thread's error is the test's
            failures.append(error)

    at_work = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join()
    with both.app_context():
        assert failures == []
        found = entries()
        assert [e.id for e in found] == list(range(1, threads * acts // 2 + 1))
        said = {(e.detail["by"], e.detail["act"]) for e in found}
        assert said == {(name, act) for name in range(threads) for act in range(0, acts, 2)}
        assert audit_verify.verify().faults == ()


def test_the_address_is_kept_short_and_printable(app: Flask) -> None:
    with app.app_context():
        audit.came_from("192.0.2.7\x00\n" + "x" * 100)
        audit.record("viewed", None, "exam")
        db.session.commit()
        assert entries()[0].remote_addr == ("192.0.2.7" + "x" * 100)[:64]


def test_a_chain_without_an_end_takes_nothing_on_and_keeps_the_act_from_happening(app: Flask) -> None:
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
        db.session.add(Group(name="East"))
        audit.record("settings_changed", None, "group")
        with pytest.raises(ChainLost):
            db.session.commit()
        db.session.rollback()
        assert db.session.scalar(sa.select(Group).where(Group.name == "East")) is None


def test_looking_goes_on_where_the_entry_can_not_be_written_and_the_loss_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        db.session.execute(sa.delete(AuditHead))
        db.session.commit()
        actor = accounts.find("radiologist@north.example")
        audit.note("viewed", actor, "exam", "f" * 32, frame=3)
        assert "audit entry lost (ChainLost): viewed exam " + "f" * 32 in caplog.text
        assert f"user {actor.id}" in caplog.text
        assert db.session.scalar(sa.select(sa.func.count(User.id))) > 0


CHANGES = (
    ("sqlite postgres", "UPDATE {table} SET {column} = 5"),
    ("sqlite postgres", "DELETE FROM {table}"),
    ("sqlite postgres", "DELETE FROM {table} WHERE id = 1"),
    ("sqlite", "INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE id = 1"),
    ("postgres", "TRUNCATE {table}"),
    ("postgres", "TRUNCATE {table} CASCADE"),
    ("postgres", "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET {column} = 5"),
)


@pytest.mark.parametrize(
    ("both", "change"),
    [(where, change) for databases, change in CHANGES for where in databases.split()],
    indirect=["both"],
)
def test_the_database_itself_refuses_to_change_or_remove(both: Flask, change: str) -> None:
    """Through a connection of the driver, which knows nothing of our models."""
    with both.app_context():
        audit.record("viewed", None, "exam")
        db.session.add(AuditReview(up_to=1, entry_hash="0" * 64, reviewer_id=1))
        db.session.commit()
        raw = db.engine.raw_connection()
        for table, column in (("audit_entries", "actor_id"), ("audit_reviews", "reviewer_id")):
            with pytest.raises(Exception, match="can only be added to: change and removal are refused"):
                raw.cursor().execute(change.format(table=table, column=column))
            raw.rollback()
            cursor = raw.cursor()
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            assert cursor.fetchone() == (1,)
        raw.close()
