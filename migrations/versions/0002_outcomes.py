"""outcomes: what pathology or follow-up said

Revision: 0002
After: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("laterality", sa.String(length=1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("dated", sa.Date(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.CheckConstraint("laterality IN ('L', 'R', 'B')", name=op.f("ck_outcomes_laterality")),
        sa.CheckConstraint("method IN ('pathology', 'follow_up')", name=op.f("ck_outcomes_method")),
        sa.CheckConstraint("result IN ('benign', 'malignant', 'normal')", name=op.f("ck_outcomes_result")),
        sa.CheckConstraint(
            "withdrawn = (result IS NULL) AND withdrawn = (method IS NULL) AND withdrawn = (dated IS NULL)",
            name=op.f("ck_outcomes_whole"),
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_outcomes_author_id_users")),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_outcomes_exam_id_exams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint(
            "exam_id", "laterality", "version", name=op.f("uq_outcomes_exam_id_laterality_version")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_outcomes_uid")),
    )
    op.create_index(op.f("ix_outcomes_author_id"), "outcomes", ["author_id"])


def downgrade() -> None:
    op.drop_table("outcomes")
