"""first tables

Revision: 0001
The first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_groups_name")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("permissions", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sa.UniqueConstraint("name", name=op.f("uq_workers_name")),
    )
    op.create_table(
        "patients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_patients_group_id_groups")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint("group_id", "reference", name=op.f("uq_patients_group_id_reference")),
        sa.UniqueConstraint("uid", name=op.f("uq_patients_uid")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.Column("density", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("density IN ('comfortable', 'compact')", name=op.f("ck_users_density")),
        sa.CheckConstraint("theme IN ('dark', 'light')", name=op.f("ck_users_theme")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_users_group_id_groups")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_users_fs_uniquifier")),
    )
    op.create_index(op.f("ix_users_group_id"), "users", ["group_id"])
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_uid", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("remote_addr", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_entries_actor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_actor_id"), "audit_entries", ["actor_id"])
    op.create_index(op.f("ix_audit_entries_at"), "audit_entries", ["at"])
    op.create_index(op.f("ix_audit_entries_object_uid"), "audit_entries", ["object_uid"])
    op.create_table(
        "exams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=True),
        sa.Column("accession", sa.String(length=64), nullable=True),
        sa.Column("study_uid", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_exams_group_id_groups")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_exams_owner_id_users")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_exams_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exams")),
        sa.UniqueConstraint("uid", name=op.f("uq_exams_uid")),
    )
    op.create_index(op.f("ix_exams_created_at"), "exams", ["created_at"])
    op.create_index(op.f("ix_exams_group_id_accession"), "exams", ["group_id", "accession"])
    op.create_index(op.f("ix_exams_group_id_created_at_id"), "exams", ["group_id", "created_at", "id"])
    op.create_index(op.f("ix_exams_group_id_study_uid"), "exams", ["group_id", "study_uid"])
    op.create_index(op.f("ix_exams_owner_id"), "exams", ["owner_id"])
    op.create_index(op.f("ix_exams_patient_id"), "exams", ["patient_id"])
    op.create_table(
        "users_roles",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_users_roles_role_id_roles"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_users_roles_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_users_roles")),
    )
    op.create_table(
        "images",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("storage_key", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("spacing_row_mm", sa.Double(), nullable=True),
        sa.Column("spacing_col_mm", sa.Double(), nullable=True),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=True),
        sa.Column("laterality", sa.String(length=1), nullable=True),
        sa.Column("view", sa.String(length=64), nullable=True),
        sa.Column("uploader_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.CheckConstraint("laterality IN ('L', 'R', 'B')", name=op.f("ck_images_laterality")),
        sa.CheckConstraint("frames >= 1 AND width >= 1 AND height >= 1", name=op.f("ck_images_extent")),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_images_exam_id_exams")),
        sa.ForeignKeyConstraint(["uploader_id"], ["users.id"], name=op.f("fk_images_uploader_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("exam_id", "position", name=op.f("uq_images_exam_id_position")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_images_storage_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_images_uid")),
    )
    op.create_index(op.f("ix_images_sha256"), "images", ["sha256"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_jobs_progress")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_jobs_image_id_images")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("image_id", "frame", name=op.f("uq_jobs_image_id_frame")),
    )
    op.create_index(op.f("ix_jobs_state_lease_until"), "jobs", ["state", "lease_until"])
    op.create_table(
        "analyses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("network_name", sa.String(length=64), nullable=False),
        sa.Column("network_version", sa.String(length=64), nullable=False),
        sa.Column("network_checksum", sa.String(length=64), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("call", sa.String(length=16), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("out_of_scope", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("heatmaps", sa.JSON(), nullable=False),
        sa.Column("timings", sa.JSON(), nullable=False),
        sa.Column("malignant", sa.Double(), nullable=False),
        sa.Column("top_label", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.CheckConstraint("call IN ('suspicious', 'not_suspicious')", name=op.f("ck_analyses_call")),
        sa.CheckConstraint("malignant BETWEEN 0 AND 1", name=op.f("ck_analyses_malignant")),
        sa.CheckConstraint("threshold BETWEEN 0 AND 1", name=op.f("ck_analyses_threshold")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_analyses_image_id_images")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_analyses_job_id_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyses")),
        sa.UniqueConstraint(
            "image_id", "frame", "network_checksum", name=op.f("uq_analyses_image_id_frame_network_checksum")
        ),
        sa.UniqueConstraint("job_id", name=op.f("uq_analyses_job_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_analyses_uid")),
    )
    op.create_index(op.f("ix_analyses_malignant"), "analyses", ["malignant"])
    op.create_index(op.f("ix_analyses_top_label"), "analyses", ["top_label"])
    op.create_table(
        "reads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("own_class", sa.String(length=32), nullable=True),
        sa.Column("birads", sa.String(length=2), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("heatmap_on_lesion", sa.String(length=8), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "birads IN ('0','1','2','3','4','4A','4B','4C','5','6')", name=op.f("ck_reads_birads")
        ),
        sa.CheckConstraint(
            "heatmap_on_lesion IN ('yes', 'partly', 'no')", name=op.f("ck_reads_heatmap_on_lesion")
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 100", name=op.f("ck_reads_confidence")),
        sa.ForeignKeyConstraint(["analysis_id"], ["analyses.id"], name=op.f("fk_reads_analysis_id_analyses")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_reads_image_id_images")),
        sa.ForeignKeyConstraint(["reader_id"], ["users.id"], name=op.f("fk_reads_reader_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reads")),
        sa.UniqueConstraint(
            "image_id", "reader_id", "version", name=op.f("uq_reads_image_id_reader_id_version")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_reads_uid")),
    )
    op.create_index(op.f("ix_reads_analysis_id"), "reads", ["analysis_id"])
    op.create_index(op.f("ix_reads_reader_id"), "reads", ["reader_id"])


def downgrade() -> None:
    op.drop_table("reads")
    op.drop_table("analyses")
    op.drop_table("jobs")
    op.drop_table("images")
    op.drop_table("users_roles")
    op.drop_table("exams")
    op.drop_table("audit_entries")
    op.drop_table("users")
    op.drop_table("patients")
    op.drop_table("workers")
    op.drop_table("roles")
    op.drop_table("groups")
