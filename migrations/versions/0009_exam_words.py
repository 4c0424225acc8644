"""exam words: what each case is found under in the history

Revision: 0009
After: 0008
The words of the cases that are there are written down here; what the words of a text are stands here once
more: a migration outlives the code of its day.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WORD = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
WORDS = sa.table(
    "exam_words",
    sa.column("exam_id", sa.Integer),
    sa.column("word", sa.String),
    sa.column("group_id", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
EXAMS = sa.table(
    "exams",
    sa.column("id", sa.Integer),
    sa.column("group_id", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
BATCH = 1000


def upgrade() -> None:
    op.create_table(
        "exam_words",
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("word", WORD, nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_exam_words_exam_id_exams"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("exam_id", "word", name=op.f("pk_exam_words")),
        sqlite_with_rowid=False,
    )
    for exams in batches():
        op.bulk_insert(WORDS, list(rows(exams)))
    op.create_index(
        op.f("ix_exam_words_group_id_word_created_at_exam_id"),
        "exam_words",
        ["group_id", "word", "created_at", "exam_id"],
    )
    op.drop_index(op.f("ix_exams_owner_id"), table_name="exams")
    op.create_index(
        op.f("ix_exams_group_id_synthetic_created_at_id"),
        "exams",
        ["group_id", "synthetic", "created_at", "id"],
    )
    op.create_index(op.f("ix_exams_owner_id_created_at_id"), "exams", ["owner_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_exams_owner_id_created_at_id"), table_name="exams")
    op.drop_index(op.f("ix_exams_group_id_synthetic_created_at_id"), table_name="exams")
    op.create_index(op.f("ix_exams_owner_id"), "exams", ["owner_id"])
    op.drop_table("exam_words")


def batches() -> Iterator[dict[int, Any]]:
    """The cases, {id: row}, some at a time."""
    last = 0
    while True:
        some = sa.select(EXAMS).where(EXAMS.c.id > last).order_by(EXAMS.c.id).limit(BATCH)
        exams = {exam.id: exam for exam in op.get_bind().execute(some)}
        if not exams:
            return
        yield exams
        last = max(exams)


def rows(exams: dict[int, Any]) -> Iterator[dict[str, Any]]:
    """The rows of some cases."""
    found: dict[int, set[str]] = {exam_id: set() for exam_id in exams}
    for query, words in SAID:
        wanted = sa.text(query).bindparams(sa.bindparam("first"), sa.bindparam("last"))
        for exam_id, *values in op.get_bind().execute(wanted, {"first": min(exams), "last": max(exams)}):
            found[exam_id] |= words(*values)
    for exam_id, words in found.items():
        for word in sorted(words if "read:yes" in words else {*words, "read:no"}):
            exam = exams[exam_id]
            yield {
                "exam_id": exam_id,
                "word": word,
                "group_id": exam.group_id,
                "created_at": exam.created_at,
            }


def terms(text: str | None) -> set[str]:
    apart = unicodedata.normalize("NFKD", (text or "").casefold())
    plain = "".join(sign for sign in apart if not unicodedata.combining(sign))
    found: set[str] = set()
    for run in re.findall(r"[^\W_]+", plain):
        borders = [border.start() for border in re.finditer(r"(?<=\d)(?=\D)|(?<=\D)(?=\d)", run)]
        for start in (0, *borders[:8]):
            found |= {run[start:][:64], run[start:].lstrip("0")[:64]}
    return found - {""}


def of_job(state: str) -> set[str]:
    if state in {"queued", "running"}:
        return {"result:waiting"}
    return {"result:failed"} if state == "failed" else set()


def of_analysis(label: str, call: str, out_of_scope: bool) -> set[str]:
    return {"result:out_of_scope"} if out_of_scope else {f"label:{label}", f"result:{call}"}


def of_read(reader_id: int) -> set[str]:
    return {"read:yes", f"reader:{reader_id}"}


IMAGES = "FROM images JOIN {0} ON {0}.image_id = images.id WHERE images.exam_id BETWEEN :first AND :last"
SAID: tuple[tuple[str, Any], ...] = (
    (
        (
            "SELECT exams.id, patients.reference FROM exams JOIN patients ON patients.id = exams.patient_id "
            "WHERE exams.id BETWEEN :first AND :last"
        ),
        terms,
    ),
    ("SELECT id, accession FROM exams WHERE id BETWEEN :first AND :last", terms),
    ("SELECT exam_id, filename FROM images WHERE exam_id BETWEEN :first AND :last", terms),
    ("SELECT DISTINCT images.exam_id, jobs.state " + IMAGES.format("jobs"), of_job),
    (
        (
            "SELECT DISTINCT images.exam_id, analyses.top_label, analyses.call, analyses.out_of_scope "
            "FROM images JOIN analyses ON analyses.image_id = images.id "
            "WHERE images.exam_id BETWEEN :first AND :last AND NOT EXISTS (SELECT 1 FROM analyses AS later "
            "WHERE later.image_id = analyses.image_id AND later.frame = analyses.frame "
            "AND later.id > analyses.id)"
        ),
        of_analysis,
    ),
    ("SELECT DISTINCT images.exam_id, reads.reader_id " + IMAGES.format("reads"), of_read),
)
