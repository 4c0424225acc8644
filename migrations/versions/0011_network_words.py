"""network words: cases are found by the networks that analysed them

Revision: 0011
After: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO exam_words (exam_id, word, group_id, created_at) "
        "SELECT DISTINCT exams.id, 'network:' || substr(analyses.network_checksum, 1, 32), "
        "exams.group_id, exams.created_at FROM analyses "
        "JOIN images ON images.id = analyses.image_id JOIN exams ON exams.id = images.exam_id"
    )


def downgrade() -> None:
    op.execute("DELETE FROM exam_words WHERE word LIKE 'network:%'")
