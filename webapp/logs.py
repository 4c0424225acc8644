"""One line a request, with an identifier to quote, and nothing of a patient.

Logged: method, endpoint, status, time, the person's number, the cases by their identifiers. Not logged:
addresses with their queries (a search holds a reference), form values, file names, SQL parameters (see
`config.flask_settings`). As text, or as one JSON object a line (LOG_FORMAT) for a log store.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger("webapp")
_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z")
_UID = re.compile(r"[0-9a-f]{32}\Z")
_QUIET = ("static", "health.healthz", "health.readyz", "health.metrics")
Format = Literal["text", "json"]


class RequestId(logging.Filter):
    """Adds `request_id` to a record: that of the request at work, or "-"."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, request_id, the facts of the line, the trace."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Facts come from `extra={"facts": {...}}`."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said)


def configure(style: Format = "text", level: int = logging.INFO) -> None:
    """Send our own log lines to standard error. For programs (wsgi, worker), not for tests."""
    if log.handlers:
        return
    text = logging.Formatter("%(asctime)s %(levelname)s [%(request_id)s] %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else text)
    handler.addFilter(RequestId())
    log.addHandler(handler)
    log.setLevel(level)
    log.propagate = False


def about(cases: Iterable[str | None]) -> None:
    """Name the cases that this request is about, by their identifiers, in its line."""
    g.cases = sorted({*g.get("cases", ()), *filter(None, cases)})


def init_app(app: Flask, trust_given_id: bool) -> None:
    """Give every request of `app` an identifier (a proxy's own where trusted) and a log line."""

    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if trust_given_id and _GIVEN_ID.match(given) else uuid4().hex
        g.request_began = time.perf_counter()

    # First of all: what refuses a request later must find the identifier already there.
    app.before_request_funcs.setdefault(None, []).insert(0, begin)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        if request.endpoint not in _QUIET:
            _say(response.status_code, (time.perf_counter() - g.request_began) * 1000)
        return response


def _say(status: int, took: float) -> None:
    uid = str((request.view_args or {}).get("uid", ""))
    if _UID.match(uid):  # anything else was typed by somebody: it may be a name
        about([uid])
    who, cases = g.get("user_id", "-"), g.get("cases", [])
    facts = {
        "method": request.method,
        "endpoint": request.endpoint,
        "status": status,
        "ms": round(took),
        "user": who,
        "cases": cases,
    }
    words = "%s %s %d %.0f ms user %s%s"
    on = f" on {' '.join(cases)}" if cases else ""
    log.info(words, request.method, request.endpoint, status, took, who, on, extra={"facts": facts})
