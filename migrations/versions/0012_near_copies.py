"""near copies: what they are found by, and which were found

Revision: 0012
After: 0011
Images that are there already have no print: `flask index-copies` makes them, which takes longer than a
migration may.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "image_prints",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("pixels", sa.LargeBinary(), nullable=False),
        sa.Column("compared", sa.Boolean(), nullable=False),
        _to_image("image_prints", "image_id"),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_image_prints")),
    )
    op.create_table(
        "print_keys",
        sa.Column("group_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        _to_image("print_keys", "image_id"),
        sa.PrimaryKeyConstraint("group_id", "key", "image_id", name=op.f("pk_print_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_print_keys_image_id"), "print_keys", ["image_id"])
    op.create_table(
        "near_copies",
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("correlation", sa.Double(), nullable=False),
        sa.Column("mirrored", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_near_copies_order")),
        _to_image("near_copies", "first_id"),
        _to_image("near_copies", "second_id"),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_near_copies")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_near_copies_second_id"), "near_copies", ["second_id"])


def _to_image(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_images")
    return sa.ForeignKeyConstraint([column], ["images.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    for table in ("near_copies", "print_keys", "image_prints"):
        op.drop_table(table)
