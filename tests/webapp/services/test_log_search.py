"""The log as admins read it: filters, pages by key, and an index behind each filter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.extensions import db
from webapp.models import GENESIS, AuditEntry, AuditHead
from webapp.services import accounts, log_search
from webapp.services.audit_chain import Act, sealed
from webapp.services.log_search import LogFilters

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
CASES = ("a" * 32, "b" * 32)


@pytest.fixture
def log(app: Flask) -> Iterator[int]:
    """Twelve entries of three people and the server, every second on a case, three in each minute."""
    with app.app_context():
        last, hash_ = 0, GENESIS
        for number in range(12):
            act = Act(
                actor_id=[None, 1, 2, 3][number % 4],
                action=["viewed", "exported"][number // 2 % 2],
                object_type="exam",
                object_uid=None,
                case_uid=CASES[number // 6] if number % 2 else None,
                detail={"n": number},
                remote_addr="192.0.2.7",
            )
            (row,) = sealed([act], last, hash_, NOON + timedelta(minutes=number // 3))
            db.session.execute(sa.insert(AuditEntry.__table__), [row])
            last, hash_ = row["id"], row["entry_hash"]
        db.session.execute(sa.update(AuditHead).values(last_entry=last, last_hash=hash_))
        db.session.commit()
        yield last


def numbers(filters: LogFilters) -> list[int]:
    return [line.number for line in log_search.page(filters).lines]


def test_the_newest_entry_comes_first_with_the_name_of_its_person(log: int) -> None:
    lines = log_search.page(LogFilters()).lines
    assert [line.number for line in lines] == list(range(12, 0, -1))
    names = {line.actor_id: line.who for line in lines}
    assert names[None] is None
    assert names[1] == accounts.find("radiologist@north.example").name


def test_each_filter_keeps_what_meets_it_and_all_together_what_meets_all(log: int) -> None:
    assert numbers(LogFilters(person=2)) == [11, 7, 3]
    assert numbers(LogFilters(person=0)) == [9, 5, 1]
    assert numbers(LogFilters(action="exported")) == [12, 11, 8, 7, 4, 3]
    assert numbers(LogFilters(case=CASES[1])) == [12, 10, 8]
    assert numbers(LogFilters(on_cases=True)) == [12, 10, 8, 6, 4, 2]
    minute = timedelta(minutes=1)
    assert numbers(LogFilters(since=NOON + minute, until=NOON + 2 * minute)) == [6, 5, 4]
    every = LogFilters(person=3, action="exported", case=CASES[1], since=NOON + minute, on_cases=True)
    assert numbers(every) == [12, 8]
    assert numbers(LogFilters(person=4711)) == []


def test_pages_cover_every_entry_once_and_lead_back(log: int) -> None:
    first = log_search.page(LogFilters(), size=5)
    second = log_search.page(LogFilters(), after=first.older, size=5)
    third = log_search.page(LogFilters(), after=second.older, size=5)
    found = [line.number for page in (first, second, third) for line in page.lines]
    assert found == list(range(12, 0, -1))
    assert (first.newer, third.older) == (None, None)
    assert log_search.page(LogFilters(), before=third.newer, size=5) == second
    assert log_search.page(LogFilters(), before=second.newer, size=5).lines == first.lines


def test_everything_comes_oldest_first_in_batches(log: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "BATCH", 5)
    batches = [[row["id"] for row in rows] for rows in log_search.everything(LogFilters())]
    assert batches == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12]]


def test_an_act_on_a_person_names_that_person(app: Flask) -> None:
    from webapp.services import audit

    with app.app_context():
        admin, tutor = accounts.find("admin@north.example"), accounts.find("tutor@north.example")
        for action, actor, about in (("locked", admin, tutor), ("settings_changed", tutor, tutor)):
            audit.note(action, actor, "user", str(about.id))
        himself, other = log_search.page(LogFilters()).lines
        assert (other.who, other.about) == (admin.name, tutor.name)
        assert (himself.who, himself.about) == (tutor.name, None)


PLANS = {
    "nothing": (LogFilters(), "ix_audit_entries_at"),
    "dates": (LogFilters(since=NOON, until=NOON + timedelta(1)), "ix_audit_entries_at"),
    "a person": (LogFilters(person=1), "ix_audit_entries_actor_id_at"),
    "nobody": (LogFilters(person=0), "ix_audit_entries_actor_id_at"),
    "a person and dates": (LogFilters(person=1, since=NOON), "ix_audit_entries_actor_id_at"),
    "an act": (LogFilters(action="viewed"), "ix_audit_entries_action_at"),
    "an act and dates": (LogFilters(action="viewed", until=NOON), "ix_audit_entries_action_at"),
    "a case": (LogFilters(case=CASES[0]), "ix_audit_entries_case_uid_at"),
    "a case and dates": (LogFilters(case=CASES[0], since=NOON), "ix_audit_entries_case_uid_at"),
    "on cases": (LogFilters(on_cases=True), "ix_audit_entries_at"),
}


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
@pytest.mark.parametrize("paged", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize("what", PLANS)
def test_every_filter_goes_by_its_index_and_sorts_nothing(
    log: int, what: str, paged: bool, order: str
) -> None:
    filters, index = PLANS[what]
    after = log_search.Cursor(NOON, 5) if paged else None
    wanted = getattr(log_search, order)(filters, after).limit(50)
    sql = str(wanted.compile(db.engine, compile_kwargs={"literal_binds": True}))
    plan = " | ".join(row[-1] for row in db.session.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}")))
    assert index in plan, plan
    assert "TEMP B-TREE" not in plan, plan
