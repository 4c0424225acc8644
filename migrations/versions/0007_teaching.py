"""teaching: cases marked for a class, lists of them, presentations and their hand counts

Revision: 0007
After: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "teaching_cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("truth", sa.String(length=16), nullable=True),
        sa.Column("known_by", sa.String(length=16), nullable=True),
        sa.Column("marked_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cut_top", sa.Integer(), nullable=False),
        sa.Column("cut_right", sa.Integer(), nullable=False),
        sa.Column("cut_bottom", sa.Integer(), nullable=False),
        sa.Column("cut_left", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "cut_top >= 0 AND cut_right >= 0 AND cut_bottom >= 0 AND cut_left >= 0",
            name=op.f("ck_teaching_cases_edges"),
        ),
        sa.CheckConstraint(
            "known_by IN ('pathology', 'follow_up', 'consensus', 'synthetic')",
            name=op.f("ck_teaching_cases_known_by"),
        ),
        sa.CheckConstraint(
            "truth IN ('benign', 'malignant', 'normal')", name=op.f("ck_teaching_cases_truth")
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_teaching_cases_group_id_groups")),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_teaching_cases_image_id_images"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["marked_by_id"], ["users.id"], name=op.f("fk_teaching_cases_marked_by_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teaching_cases")),
        sa.UniqueConstraint("image_id", "frame", name=op.f("uq_teaching_cases_image_id_frame")),
        sa.UniqueConstraint("uid", name=op.f("uq_teaching_cases_uid")),
    )
    op.create_index(op.f("ix_teaching_cases_group_id_id"), "teaching_cases", ["group_id", "id"])
    op.create_table(
        "teaching_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("shuffled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_teaching_lists_group_id_groups")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_teaching_lists_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teaching_lists")),
        sa.UniqueConstraint("uid", name=op.f("uq_teaching_lists_uid")),
    )
    op.create_index(op.f("ix_teaching_lists_group_id_id"), "teaching_lists", ["group_id", "id"])
    op.create_table(
        "teaching_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["teaching_cases.id"],
            name=op.f("fk_teaching_entries_case_id_teaching_cases"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["teaching_lists.id"],
            name=op.f("fk_teaching_entries_list_id_teaching_lists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teaching_entries")),
        sa.UniqueConstraint("list_id", "case_id", name=op.f("uq_teaching_entries_list_id_case_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_teaching_entries_uid")),
    )
    op.create_index(op.f("ix_teaching_entries_case_id"), "teaching_entries", ["case_id"])
    op.create_table(
        "presentations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("presenter_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("case_uids", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["teaching_lists.id"],
            name=op.f("fk_presentations_list_id_teaching_lists"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["presenter_id"], ["users.id"], name=op.f("fk_presentations_presenter_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentations")),
        sa.UniqueConstraint("uid", name=op.f("uq_presentations_uid")),
    )
    op.create_index(op.f("ix_presentations_list_id"), "presentations", ["list_id"])
    op.create_table(
        "hand_counts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("presentation_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("benign", sa.Integer(), nullable=False),
        sa.Column("malignant", sa.Integer(), nullable=False),
        sa.Column("normal", sa.Integer(), nullable=False),
        sa.Column("unsure", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "benign BETWEEN 0 AND 9999 AND malignant BETWEEN 0 AND 9999"
            " AND normal BETWEEN 0 AND 9999 AND unsure BETWEEN 0 AND 9999",
            name=op.f("ck_hand_counts_hands"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["teaching_cases.id"],
            name=op.f("fk_hand_counts_case_id_teaching_cases"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["presentation_id"],
            ["presentations.id"],
            name=op.f("fk_hand_counts_presentation_id_presentations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_counts")),
        sa.UniqueConstraint(
            "presentation_id", "case_id", name=op.f("uq_hand_counts_presentation_id_case_id")
        ),
    )
    op.create_index(op.f("ix_hand_counts_case_id"), "hand_counts", ["case_id"])


def downgrade() -> None:
    for table in ("hand_counts", "presentations", "teaching_entries", "teaching_lists", "teaching_cases"):
        op.drop_table(table)
