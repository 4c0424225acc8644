"""What Alembic runs: our tables, the database of the application at work.

Called by `flask db`, inside an application context. Only the online way is offered: a change that copies
rows cannot be written down as SQL beforehand.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from webapp.models import UTCDateTime

extension = current_app.extensions["migrate"]


def render(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Write our own column type as the plain one behind it: a migration outlives the code of its day."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Run the migrations in one transaction."""
    engine = extension.db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=extension.db.metadata,
            render_item=render,
            **extension.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
