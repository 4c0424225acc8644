"""What every table shares: the declarative base, constraint names, identifiers and time.

Time is stored in UTC and handed out aware, on SQLite and on Postgres alike; every constraint has a
name, because SQLite can only alter a table by rebuilding it from named parts (Alembic batch mode).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, DateTime, Dialect, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Json = JSON(none_as_null=True)
"""Python None is SQL NULL. Not JSONB on Postgres: that one forgets the order of keys, here of classes."""


class Base(DeclarativeBase):
    """Parent of every model."""

    metadata = MetaData(naming_convention=NAMING)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in, the same instant in UTC out. A naive one is refused: it names no instant."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(
                "A naive datetime names no instant: give it a time zone, as datetime.now(UTC) has."
            )
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def new_uid() -> str:
    """32 hexadecimal characters of a random UUID (RFC 9562, version 4): what URLs carry."""
    return uuid4().hex


class HasUid:
    """Adds `uid`: unguessable and unique, so that a URL says nothing of how many rows there are."""

    uid: Mapped[str] = mapped_column(String(32), unique=True, default=new_uid)
