"""What a crash or time leaves in the storage, removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from sqlalchemy import select

from webapp.extensions import db
from webapp.models import Image
from webapp.services import erasing
from webapp.services.storage import storage

ORPHAN_AGE = timedelta(hours=24)
"""A file without a row is removed only after this long: an upload in progress has none for a second, and
who restores a database has a day to notice that it was the wrong one."""
DERIVED_AGE = timedelta(days=30)
"""Drawn pictures are drawn again when somebody looks."""
_CHUNK = 500


def sweep() -> int:
    """Remove what erasures left over, uploads without a row, half files and old pictures; returns how many.

    Raises StorageError or SQLAlchemyError; what was not removed then is removed the next time.
    """
    finished = erasing.finish()
    doomed = list(_orphans()) + list(storage().older("derived", DERIVED_AGE))
    for key in doomed:
        storage().delete(key)
    return finished + len(doomed) + storage().sweep_partial(ORPHAN_AGE)


def _orphans() -> Iterator[str]:
    for keys in _chunks(storage().older("originals", ORPHAN_AGE)):
        named = set(db.session.scalars(select(Image.storage_key).where(Image.storage_key.in_(keys))))
        yield from (key for key in keys if key not in named)


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
