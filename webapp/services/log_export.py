"""The log as a file, sent as it is read: CSV (RFC 4180) and JSON, times in UTC.

With the columns `previous_hash` and `entry_hash` the chain can be checked elsewhere (docs/audit.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, Literal

from sqlalchemy import RowMapping

from webapp.models import User
from webapp.permissions import require_admin
from webapp.services import audit, export, log_search
from webapp.services.log_search import LogFilters

Log = Literal["audit_log", "case_log"]
COLUMNS = ("entry", "at_utc", "person", "name", "action", "object_type", "object", "case", "from", "detail")
HASHES = ("previous_hash", "entry_hash")


def csv_lines(user: User, log: Log, filters: LogFilters) -> Iterator[str]:
    """The filtered log as CSV text, header first, the oldest entry first.

    Its entry in the log is written first: without one nothing leaves. Forbidden unless `user` is an admin.
    """
    known = _leave(user, log, "csv", filters)
    return _csv(filters, known)


def json_lines(user: User, log: Log, filters: LogFilters) -> Iterator[str]:
    """The same as a JSON array with one object a line."""
    known = _leave(user, log, "json", filters)
    return _json(filters, known)


def _leave(user: User, log: Log, kind: str, filters: LogFilters) -> dict[int, str]:
    require_admin(user)
    known = log_search.names()
    audit.record_at_once("exported", user, log, None, format=kind, **filters.said())
    return known


def _csv(filters: LogFilters, known: dict[int, str]) -> Iterator[str]:
    yield "\ufeff" + export.lines([COLUMNS + HASHES])
    for rows in log_search.everything(filters):
        entries = (_entry(row, known) for row in rows)
        yield export.lines([*entry.values()] for entry in (_flat(entry) for entry in entries))


def _json(filters: LogFilters, known: dict[int, str]) -> Iterator[str]:
    between = "["
    for rows in log_search.everything(filters):
        written = [json.dumps(_entry(row, known), ensure_ascii=False) for row in rows]
        yield between + "\n" + ",\n".join(written)
        between = ","
    yield "[]\n" if between == "[" else "\n]\n"


def _entry(row: RowMapping, known: dict[int, str]) -> dict[str, Any]:
    """One entry, under the names of `COLUMNS` and `HASHES`, in their order."""
    line = log_search.line(row, known)
    at = line.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = (line.number, at, line.actor_id, line.who, line.action, line.object_type, line.object_uid)
    more = (line.case_uid, line.remote_addr, line.detail, row["previous_hash"], line.entry_hash)
    return dict(zip(COLUMNS + HASHES, said + more, strict=True))


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    """A cell holds text: the detail is JSON in it."""
    return {**entry, "detail": json.dumps(entry["detail"], ensure_ascii=False, sort_keys=True)}
