"""second factors

Revision: 0010
After: 0009
Authenticator app, passkeys and recovery codes. Columns are added to `users` without rebuilding it: on SQLite,
dropping the old table would take along what points to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("tf_totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("tf_last_counter", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("tf_failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("tf_failed_at", INSTANT, nullable=True))
    op.add_column("users", sa.Column("mf_recovery_codes", sa.JSON(), nullable=True))
    op.add_column("users", sa.Column("fs_webauthn_user_handle", sa.String(length=64), nullable=True))
    op.create_index(
        op.f("ix_users_fs_webauthn_user_handle"), "users", ["fs_webauthn_user_handle"], unique=True
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_passkeys_uid")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_passkeys_user_id_name")),
    )
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("challenge", sa.LargeBinary(length=64), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('sign_in', 'key', 'app', 'passkey')", name=op.f("ck_steps_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_steps_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_steps_token_hash")),
    )
    op.create_index(op.f("ix_steps_user_id"), "steps", ["user_id"])
    op.create_index(op.f("ix_steps_created_at"), "steps", ["created_at"])


def downgrade() -> None:
    op.drop_table("steps")
    op.drop_table("passkeys")
    op.drop_index(op.f("ix_users_fs_webauthn_user_handle"), "users")
    for column in (
        "fs_webauthn_user_handle",
        "mf_recovery_codes",
        "tf_failed_at",
        "tf_failures",
        "tf_last_counter",
        "tf_totp_secret",
    ):
        op.drop_column("users", column)
