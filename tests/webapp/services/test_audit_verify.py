"""Whatever is done to the log behind the application's back is found, and the entry named."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import AuditEntry, AuditReview
from webapp.services import audit, audit_verify
from webapp.services.audit_chain import seal
from webapp.services.audit_verify import Checkpoint

ENTRIES = AuditEntry.__table__


@pytest.fixture
def log(both: Flask) -> Flask:
    """Nine entries in three commits."""
    with both.app_context():
        for _ in range(3):
            for frame in range(3):
                audit.record("viewed", None, "exam", "f" * 32, frame=frame)
            db.session.commit()
        yield both


def unguarded(*statements: sa.Executable | str) -> None:
    """What somebody with the rights of the database's owner can do: take the triggers away first."""
    with db.engine.begin() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.execute(sa.text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
        else:
            for name in ("no_update", "no_delete", "no_replace"):
                connection.execute(sa.text(f"DROP TRIGGER audit_entries_{name}"))
        for statement in statements:
            connection.execute(sa.text(statement) if isinstance(statement, str) else statement)


def faults(*kept: Checkpoint) -> list[tuple[str, int]]:
    return [(fault.code, fault.entry) for fault in audit_verify.verify(kept).faults]


def row(number: int) -> dict[str, object]:
    with db.engine.connect() as connection:
        return dict(connection.execute(sa.select(ENTRIES).where(ENTRIES.c.id == number)).mappings().one())


def test_a_log_that_nobody_touched_is_whole(log: Flask) -> None:
    report = audit_verify.verify()
    assert (report.whole, report.entries, report.end) == (True, 9, Checkpoint(9, row(9)["entry_hash"]))


def test_an_empty_log_is_whole(both: Flask) -> None:
    with both.app_context():
        assert audit_verify.verify().entries == 0


@pytest.mark.parametrize(
    "change",
    [
        "actor_id = 5",
        "action = 'refused'",
        "object_uid = NULL",
        "case_uid = 'e'",
        "remote_addr = '192.0.2.9'",
        "detail = '{\"frame\": 9}'",
        "at = '2020-01-01 00:00:00.000000'",
    ],
)
def test_a_changed_entry_is_named(log: Flask, change: str) -> None:
    unguarded(f"UPDATE audit_entries SET {change} WHERE id = 5")
    assert faults() == [("changed", 5)]


def test_a_deleted_entry_is_named(log: Flask) -> None:
    unguarded("DELETE FROM audit_entries WHERE id = 5")
    assert faults() == [("missing", 5)]


def test_deleted_entries_are_named_as_a_span(log: Flask) -> None:
    unguarded("DELETE FROM audit_entries WHERE id IN (1, 2, 5, 6, 7)")
    report = audit_verify.verify()
    assert [fault.words for fault in report.faults] == [
        "Entries 1 to 2 are missing.",
        "Entries 5 to 7 are missing.",
    ]


def test_two_entries_that_changed_places_are_both_named(log: Flask) -> None:
    unguarded(
        *(f"UPDATE audit_entries SET id = {new} WHERE id = {old}" for old, new in ((4, 0), (5, 4), (0, 5)))
    )
    assert {entry for _, entry in faults()} >= {4, 5}
    assert ("changed", 4) in faults()
    assert ("changed", 5) in faults()


def test_a_cut_tail_is_found(log: Flask) -> None:
    unguarded("DELETE FROM audit_entries WHERE id > 6")
    (fault,) = audit_verify.verify().faults
    assert fault.words == "Entries 7 to 9 are missing: the end of the log was cut off."


def test_a_log_that_was_emptied_is_found(log: Flask) -> None:
    unguarded("DELETE FROM audit_entries")
    assert faults() == [("cut", 1)]


def test_a_cut_tail_with_a_head_moved_to_match_is_found_by_an_earlier_checkpoint(log: Flask) -> None:
    kept = audit_verify.verify().end
    hash_ = row(6)["entry_hash"]
    unguarded(
        "DELETE FROM audit_entries WHERE id > 6",
        f"UPDATE audit_heads SET last_entry = 6, last_hash = '{hash_}'",
    )
    assert faults() == []
    assert faults(kept) == [("signed", 9)]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("UPDATE audit_heads SET last_hash = 'x'", "Entry 9 is not the one that the log ended with."),
        ("UPDATE audit_heads SET last_entry = 3", "Entries 4 to 9 are beyond the end that the log knows of."),
        ("DELETE FROM audit_heads", "The end of the chain (table audit_heads) is missing."),
    ],
)
def test_a_head_that_is_gone_moved_back_or_of_another_entry_is_found(
    log: Flask, how: str, wanted: str
) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text(how))
    assert [fault.words for fault in audit_verify.verify().faults] == [wanted]


def test_an_entry_that_was_slipped_in_before_the_first_or_after_the_last_is_named(log: Flask) -> None:
    forged = row(9)
    for number in (-1, 10):
        unguarded_insert = ENTRIES.insert().values({**forged, "id": number})
        with db.engine.begin() as connection:
            connection.execute(unguarded_insert)
    found = faults()
    assert ("foreign", -1) in found
    assert ("changed", 10) in found
    assert ("head", 10) in found


def reseal(first: int, last: int, **changes: object) -> None:
    """Change entry `first` and seal it and all that follow anew, the head too."""
    statements: list[sa.Executable] = []
    previous = row(first)["previous_hash"]
    for number in range(first, last + 1):
        changed = row(number) | (changes if number == first else {}) | {"previous_hash": previous}
        changed["entry_hash"] = previous = seal(previous, changed)
        statements.append(ENTRIES.update().where(ENTRIES.c.id == number).values(changed))
    head = sa.table("audit_heads", sa.column("last_hash"))
    unguarded(*statements, head.update().values(last_hash=previous))


def test_an_entry_sealed_anew_by_itself_breaks_the_link_to_the_next(log: Flask) -> None:
    changed = row(5) | {"actor_id": 5}
    changed["entry_hash"] = seal(changed["previous_hash"], changed)
    unguarded(ENTRIES.update().where(ENTRIES.c.id == 5).values(changed))
    (fault,) = audit_verify.verify().faults
    assert fault.words == "Entry 6 was not written after the entry 5 that stands before it now."


@pytest.mark.parametrize("witness", ["checkpoint", "review"])
def test_a_log_sealed_anew_from_some_entry_on_is_found_by_a_later_checkpoint_or_review(
    log: Flask, witness: str
) -> None:
    kept = Checkpoint(7, row(7)["entry_hash"])
    if witness == "review":
        db.session.add(AuditReview(up_to=7, entry_hash=kept.hash, reviewer_id=1))
        db.session.commit()
    reseal(5, 9, actor_id=5)
    assert faults(*[kept] * (witness == "checkpoint")) == [("signed", 7)]


def test_a_verification_is_itself_an_entry_with_its_result(log: Flask) -> None:
    audit_verify.verify()
    unguarded("UPDATE audit_entries SET actor_id = 5 WHERE id = 5")
    audit_verify.verify()
    said = sa.select(AuditEntry.detail).where(AuditEntry.action == "log_verified").order_by(AuditEntry.id)
    first, second = db.session.scalars(said)
    assert (first["whole"], first["up_to"], first["faults"]) == (True, 9, 0)
    assert (second["whole"], second["faulty"]) == (False, [5])


def test_the_command_names_the_entry_prints_a_checkpoint_and_fails(log: Flask) -> None:
    runner = log.test_cli_runner()
    whole = runner.invoke(args=["audit", "verify"])
    assert whole.exit_code == 0, whole.output
    assert "9 entries read" in whole.output
    assert "the log is whole" in whole.output
    kept = whole.output.split("checkpoint ")[1].strip()
    assert runner.invoke(args=["audit", "verify", "--checkpoint", kept]).exit_code == 0
    unguarded("UPDATE audit_entries SET actor_id = 5 WHERE id = 5")
    broken = runner.invoke(args=["audit", "verify"])
    assert broken.exit_code == 1
    assert "changed: Entry 5 is not as it was written." in broken.output
    assert runner.invoke(args=["audit", "verify", "--checkpoint", "5:abc"]).exit_code == 2


def test_a_log_longer_than_a_batch_is_read_whole(log: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 2, 3, 4, 9):
        monkeypatch.setattr(audit_verify, "_BATCH", size)
        report = audit_verify.verify()
        assert (report.whole, report.entries) == (True, report.end.entry)


@pytest.mark.parametrize(
    "text", ["", "5", "x:" + "0" * 64, "5:" + "0" * 63, "5:" + "G" * 64, "-5:" + "0" * 64]
)
def test_a_checkpoint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Checkpoint.parse(text)
