"""The worker process: one thread that analyses, one that keeps the house."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from typing import Never

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp import database_faults
from webapp.errors import AppError
from webapp.jobs import UNREACHABLE, Queue
from webapp.services import decoding, inference, leases, query_plans, sweeping, workers

log = logging.getLogger(__name__)

_REAP_SECONDS = 10.0
"""At most; with a short lease, half of it."""
_AWAY_SECONDS = 2.0
_SWEEP_SECONDS = 24 * 3600.0
_COUNT_SECONDS = 3600.0
_STOP_SECONDS = 30.0
_WAKE_AT_MOST = 500
"""Calls in the queue at a time: more than the workers can answer before the next round."""
_HANGS_AFTER_LEASES = 12
"""A job's heartbeat ends after ten; by then its lease has run out too."""
UNFIT = 70
"""Exit status of a worker that ended itself (EX_SOFTWARE of sysexits.h): its supervisor starts another."""
_POLL = {"initial_delay": 0.05, "backoff": 1.2, "max_delay": 0.2}
"""Seconds between looks at an SQLite queue; Redis and Postgres tell at once."""


def run(app: Flask) -> None:
    """Analyse until SIGTERM or SIGINT, then finish the job at hand (for at most 30 s) or give it back.

    Any number of workers may run beside each other, and each may be killed at any moment. One that can't work
    any more (no memory, a thread that hangs) ends itself with `UNFIT`, rather than to live on and do nothing.

    Raises:
        ml.MlError: the network can't be loaded; nothing was claimed.
    """
    queue: Queue = app.extensions["queue"]
    _load(app)
    os.nice(app.extensions["config"].worker_nice)
    keeper = _Housekeeper(app, queue)
    consumer = queue.huey.create_consumer(
        workers=1, periodic=False, graceful_signal="TERM", shutdown_timeout=_STOP_SECONDS, **_POLL
    )
    keeper.start()
    consumer.run()
    keeper.stop()
    queue.close()
    with app.app_context():
        leases.release(queue.worker)
        workers.forget(queue.worker)


def _load(app: Flask) -> None:
    """Load the network that the database says is active; wait for a database that is away or busy. Raises
    ml.MlError as `run`."""
    while True:
        try:
            with app.app_context():
                decoding.warm()
                inference.predictor()
            return
        except SQLAlchemyError as error:
            if database_faults.named(error) is None:
                raise
            log.warning("the database is away (%s): waiting for it", type(error).__name__)
        time.sleep(_AWAY_SECONDS)


class _Housekeeper:
    """Says that the worker lives, takes up what others left, wakes for what the queue lost, sweeps; and
    ends a worker that only seems to live."""

    def __init__(self, app: Flask, queue: Queue) -> None:
        self._app = app
        self._queue = queue
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)
        self._next_sweep = self._next_count = time.monotonic()
        self._lease_seconds = app.extensions["config"].lease_seconds
        self._pause = min(_REAP_SECONDS, self._lease_seconds / 2)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._round()
                self._stop.wait(self._pause)
        except BaseException as error:  # noqa: BLE001  nobody else notices that the house isn't kept
            end_unfit(error)

    def _round(self) -> None:
        """Raises whatever leaves this process unfit for work."""
        hangs = self._queue.busy_seconds()
        if hangs > _HANGS_AFTER_LEASES * self._lease_seconds:
            raise TimeoutError(f"one job for {hangs:.0f} seconds")
        try:
            with self._app.app_context():
                self._keep()
        except (SQLAlchemyError, AppError, *UNREACHABLE) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOMEM:
                raise
            # The database or the queue is away for a moment: the next round tries again.
            log.warning("housekeeping failed (%s)", type(error).__name__)

    def _keep(self) -> None:
        workers.seen(self._queue.worker, *inference.keep_up())
        leases.close_exhausted()
        self._queue.wake(self._queue.missing(min(leases.waiting(), _WAKE_AT_MOST)))
        if time.monotonic() >= self._next_count:
            self._next_count += _COUNT_SECONDS
            query_plans.refresh()
        if time.monotonic() >= self._next_sweep:
            self._next_sweep += _SWEEP_SECONDS
            log.info("swept %d files without a row", sweeping.sweep())


def end_unfit(error: BaseException) -> Never:
    """End this process at once, whatever its threads wait for: its job's lease runs out, and another worker
    takes it up."""
    try:
        log.critical("this worker is unfit for work and ends itself", exc_info=error)
    finally:
        os._exit(UNFIT)
