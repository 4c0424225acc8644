"""One line a request, with an identifier to quote, and nothing of a patient.

Logged: method, endpoint, status, time, the person's number. Not logged: addresses with their queries (a
search holds a reference), form values, file names, SQL parameters (see `config.flask_settings`).
"""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger("webapp")
_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z")


class RequestId(logging.Filter):
    """Adds `request_id` to a record: that of the request at work, or "-"."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


def configure(level: int = logging.INFO) -> None:
    """Send our own log lines to standard error. For programs (wsgi, worker), not for tests."""
    if log.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(request_id)s] %(message)s"))
    handler.addFilter(RequestId())
    log.addHandler(handler)
    log.setLevel(level)
    log.propagate = False


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
        if request.endpoint not in ("static", "health.healthz", "health.readyz"):
            took = (time.perf_counter() - g.request_began) * 1000
            who = g.get("user_id", "-")
            log.info(
                "%s %s %d %.0f ms user %s", request.method, request.endpoint, response.status_code, took, who
            )
        return response
