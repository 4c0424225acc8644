"""Figures for Prometheus: requests counted here, the state of the work read from the database when asked.

Each web process counts for itself. Where PROMETHEUS_MULTIPROC_DIR names an empty folder, the processes of
one machine add up what they counted (docs/administration.md); the library reads that variable itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import AppError
from webapp.services import vitals

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OWN = CollectorRegistry()
_REQUESTS = Counter(
    "secondread_requests",
    "Requests answered.",
    ("method", "endpoint", "status"),
    registry=_OWN,
)
_SECONDS = Histogram(
    "secondread_request_seconds",
    "Seconds until the answer was ready to be sent.",
    ("endpoint",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30),
    registry=_OWN,
)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


def init_app(app: Flask) -> None:
    """Count and time every request of `app`. The labels are names of our own, never what was sent."""

    @app.after_request
    def count(response: Response) -> Response:
        method = request.method if request.method in _METHODS else "other"
        endpoint = request.endpoint or "none"
        _REQUESTS.labels(method, endpoint, str(response.status_code)).inc()
        _SECONDS.labels(endpoint).observe(time.perf_counter() - g.request_began)
        return response


def text() -> bytes:
    """Everything in Prometheus's text format."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
        counted = generate_latest(registry)
    else:
        counted = generate_latest(_OWN)
    state = CollectorRegistry()
    state.register(_State())
    return counted + generate_latest(state)


class _State(Collector):
    """What `vitals` says, as gauges; nothing is said of what is not known."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the database once; where it is away, say that alone."""
        try:
            now = vitals.read()
        except (SQLAlchemyError, AppError):
            yield GaugeMetricFamily("secondread_state_known", "Database and storage answer.", value=0)
            return
        yield GaugeMetricFamily("secondread_state_known", "Database and storage answer.", value=1)
        yield _labelled("secondread_jobs", "Analysis jobs by state.", "state", now.jobs)
        analysis = {str(share): seconds for share, seconds in now.analysis.items()}
        yield _labelled("secondread_analysis_seconds", "Recent analyses.", "quantile", analysis)
        for name, words, value in (
            ("jobs_waiting", "Jobs that a worker could take up now.", now.waiting),
            ("oldest_waiting_seconds", "Age of the oldest waiting job.", now.oldest_waiting),
            ("workers", "Workers heard of in the last minute.", now.workers),
            ("worker_silent_seconds", "Since a worker was last heard of.", now.silent),
            ("storage_free_bytes", "Room left where files are stored.", now.storage_free),
            ("backup_age_seconds", "Since the last backup.", now.backup_age),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"secondread_{name}", words, value=value)


def _labelled(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
