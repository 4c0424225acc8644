"""networks: switches of the active one, re-analyses, several jobs a frame over time

Revision: 0008
After: 0007
A frame may have one job for each network that analysed it, and at most one that is not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = sa.text("state <> 'done'")
ANALYSED = ("network_checksum", "created_at", "image_id")


def upgrade() -> None:
    op.create_table(
        "network_switches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.String(length=255), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_network_switches_author_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_switches")),
    )
    op.create_table(
        "reanalyses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_reanalyses_author_id_users")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_reanalyses_group_id_groups")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reanalyses")),
        sa.UniqueConstraint("uid", name=op.f("uq_reanalyses_uid")),
    )
    with op.batch_alter_table("workers") as batch:
        batch.add_column(sa.Column("network_checksum", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("fault", sa.Text(), nullable=True))
    with rebuilt(), op.batch_alter_table("jobs") as batch:
        batch.drop_constraint(op.f("uq_jobs_image_id_frame"), type_="unique")
        batch.add_column(sa.Column("reanalysis_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_jobs_reanalysis_id_reanalyses"), "reanalyses", ["reanalysis_id"], ["id"]
        )
        batch.create_index(op.f("ix_jobs_image_id_frame"), ["image_id", "frame"])
        batch.create_index(op.f("ix_jobs_reanalysis_id_state"), ["reanalysis_id", "state"])
    op.create_index(
        "uq_jobs_open", "jobs", ["image_id", "frame"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(op.f("ix_analyses_" + "_".join(ANALYSED)), "analyses", list(ANALYSED))


def downgrade() -> None:
    refuse_where_frames_have_several_jobs()
    op.drop_index(op.f("ix_analyses_" + "_".join(ANALYSED)), "analyses")
    op.drop_index("uq_jobs_open", "jobs")
    with rebuilt(), op.batch_alter_table("jobs") as batch:
        batch.drop_index(op.f("ix_jobs_reanalysis_id_state"))
        batch.drop_index(op.f("ix_jobs_image_id_frame"))
        batch.drop_constraint(op.f("fk_jobs_reanalysis_id_reanalyses"), type_="foreignkey")
        batch.drop_column("reanalysis_id")
        batch.create_unique_constraint(op.f("uq_jobs_image_id_frame"), ["image_id", "frame"])
    with op.batch_alter_table("workers") as batch:
        batch.drop_column("fault")
        batch.drop_column("network_checksum")
    op.drop_table("reanalyses")
    op.drop_table("network_switches")


@contextmanager
def rebuilt() -> Iterator[None]:
    """SQLite changes a table by dropping it and making it anew. Rows of others point to this one: their keys
    are not looked at meanwhile (https://sqlite.org/lang_altertable.html, section 7)."""
    if op.get_bind().dialect.name != "sqlite":
        yield
        return
    switch("OFF")
    yield
    if op.get_bind().execute(sa.text("PRAGMA foreign_key_check")).first() is not None:
        raise RuntimeError("A key points to nothing after the table of jobs was made anew.")
    switch("ON")


def switch(state: str) -> None:
    """Outside a transaction, where alone SQLite listens to it."""
    with op.get_context().autocommit_block():
        op.execute(f"PRAGMA foreign_keys={state}")


def refuse_where_frames_have_several_jobs() -> None:
    several = (
        "SELECT count(*) FROM (SELECT 1 FROM jobs GROUP BY image_id, frame HAVING count(*) > 1) AS twice"
    )
    found = op.get_bind().execute(sa.text(several)).scalar_one()
    if found:
        raise RuntimeError(
            f"{found} frames were analysed by more than one network, which the tables of before can't hold. "
            "Nothing was changed. To go back, restore the backup that was made before the upgrade."
        )
