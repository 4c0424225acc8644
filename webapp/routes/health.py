"""Is it alive, is it ready: for supervisors and balancers, open to all and saying nothing of patients."""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from webapp import config
from webapp import metrics as figures
from webapp.errors import NotFound
from webapp.services import health

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 where work can be done, else 503 naming what is missing."""
    parts = health.parts()
    missing = sorted(name for name, part in parts.items() if not part.ready)
    body = {
        "status": "missing" if missing else "ready",
        "missing": missing,
        "parts": {name: part.words for name, part in parts.items()},
    }
    return jsonify(body), 503 if missing else 200


@bp.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus, for whoever brings METRICS_TOKEN; for others there is nothing here."""
    token = config.current().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token is None or not compare_digest(given.encode(), token.get_secret_value().encode()):
        raise NotFound()
    return Response(figures.text(), content_type=figures.CONTENT_TYPE)
