"""audit chain

Revision: 0004
After: 0003
The audit log becomes a chain of sealed entries that the database refuses to change; reviews of it.

How an entry is sealed is written down here once more: a migration outlives the code of its day.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("audit_entries", "audit_reviews")
GENESIS = "0" * 64
REFUSED = "%s can only be added to: change and removal are refused"
BATCH = 1000

ENTRIES = sa.table(
    "audit_entries",
    sa.column("id", sa.Integer),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("actor_id", sa.Integer),
    sa.column("action", sa.String),
    sa.column("object_type", sa.String),
    sa.column("object_uid", sa.String),
    sa.column("case_uid", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("remote_addr", sa.String),
    sa.column("previous_hash", sa.String),
    sa.column("entry_hash", sa.String),
)
SEALED = ("at", "actor_id", "action", "object_type", "object_uid", "case_uid", "detail", "remote_addr")


def upgrade() -> None:
    with op.batch_alter_table("audit_entries") as batch:
        batch.drop_constraint(op.f("fk_audit_entries_actor_id_users"), type_="foreignkey")
        batch.drop_index(op.f("ix_audit_entries_actor_id"))
        batch.drop_index(op.f("ix_audit_entries_object_uid"))
        batch.add_column(sa.Column("case_uid", sa.String(length=32), nullable=True))
        batch.add_column(sa.Column("previous_hash", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("entry_hash", sa.String(length=64), nullable=True))
    last_entry, last_hash = seal_all()
    with op.batch_alter_table("audit_entries") as batch:
        batch.alter_column("previous_hash", existing_type=sa.String(length=64), nullable=False)
        batch.alter_column("entry_hash", existing_type=sa.String(length=64), nullable=False)
        for column in ("actor_id", "action", "case_uid"):
            batch.create_index(op.f(f"ix_audit_entries_{column}_at"), [column, "at"])
    heads = op.create_table(
        "audit_heads",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_entry", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_heads_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_heads")),
    )
    op.bulk_insert(heads, [{"id": 1, "last_entry": last_entry, "last_hash": last_hash}])
    op.create_table(
        "audit_reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_reviews")),
    )
    refuse_changes()


def downgrade() -> None:
    allow_changes()
    op.drop_table("audit_reviews")
    op.drop_table("audit_heads")
    with op.batch_alter_table("audit_entries") as batch:
        for column in ("actor_id", "action", "case_uid"):
            batch.drop_index(op.f(f"ix_audit_entries_{column}_at"))
        batch.drop_column("entry_hash")
        batch.drop_column("previous_hash")
        batch.drop_column("case_uid")
        batch.create_index(op.f("ix_audit_entries_object_uid"), ["object_uid"])
        batch.create_index(op.f("ix_audit_entries_actor_id"), ["actor_id"])
        batch.create_foreign_key(op.f("fk_audit_entries_actor_id_users"), "users", ["actor_id"], ["id"])


def seal_all() -> tuple[int, str]:
    """Number the entries without a gap, find their cases, chain them; the last number and hash."""
    connection = op.get_bind()
    last_entry, last_hash, seen = 0, GENESIS, 0
    cases = case_of_each_object(connection)
    while rows := after(connection, seen):
        for row in rows:
            seen = row["id"]
            last_entry += 1
            row |= {"id": last_entry, "case_uid": cases.get((row["object_type"], row["object_uid"]))}
            sealed = {"previous_hash": last_hash, "entry_hash": seal(last_hash, row)}
            values = {"id": last_entry, "case_uid": row["case_uid"], **sealed}
            connection.execute(sa.update(ENTRIES).where(ENTRIES.c.id == seen).values(values))
            last_hash = sealed["entry_hash"]
    return last_entry, last_hash


def after(connection: sa.Connection, seen: int) -> list[dict[str, Any]]:
    some = sa.select(ENTRIES).where(ENTRIES.c.id > seen).order_by(ENTRIES.c.id).limit(BATCH)
    return [dict(row) for row in connection.execute(some).mappings()]


def case_of_each_object(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """(type, uid) of every exam and image that an entry names -> uid of the exam."""
    exams = "SELECT DISTINCT object_uid, object_uid FROM audit_entries WHERE object_type = 'exam'"
    images = (
        "SELECT images.uid, exams.uid FROM images JOIN exams ON exams.id = images.exam_id "
        "WHERE images.uid IN (SELECT object_uid FROM audit_entries WHERE object_type = 'image')"
    )
    return {
        (kind, uid): case
        for kind, query in (("exam", exams), ("image", images))
        for uid, case in connection.execute(sa.text(query))
        if uid is not None
    }


def seal(previous_hash: str, row: dict[str, Any]) -> str:
    at: datetime = row["at"]
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    said = {name: row[name] for name in SEALED}
    entry = {**said, "id": row["id"], "at": at.isoformat(timespec="microseconds")}
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(f"{previous_hash}\n{text}".encode("ascii")).hexdigest()


def refuse_changes() -> None:
    """Triggers. SQLite: INSERT OR REPLACE removes a row without asking DELETE triggers, so it has its own."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '{REFUSED % '%'}', TG_TABLE_NAME; END $$"
        )
    for table in TABLES:
        for statement in triggers(table):
            op.execute(statement)


def triggers(table: str) -> list[str]:
    if op.get_bind().dialect.name == "postgresql":
        when = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
        return [f"CREATE TRIGGER {table}_only_grow {when} EXECUTE FUNCTION refuse_change()"]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED % table}'); END"
    there = f"(SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608  a constant  # nosec B608
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS {there} {refuse}",
    ]


def allow_changes() -> None:
    names = (
        ("only_grow",)
        if op.get_bind().dialect.name == "postgresql"
        else ("no_update", "no_delete", "no_replace")
    )
    for table in TABLES:
        for name in names:
            on = f" ON {table}" if name == "only_grow" else ""
            op.execute(f"DROP TRIGGER {table}_{name}{on}")
    if names == ("only_grow",):
        op.execute("DROP FUNCTION refuse_change()")
