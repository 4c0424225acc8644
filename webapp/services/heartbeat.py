"""A worker's sign of life while it does one job."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from webapp.services import leases

log = logging.getLogger(__name__)

_BEATS_PER_LEASE = 4
_MOST_BEATS = 10 * _BEATS_PER_LEASE
"""A job that runs for ten leases hangs: its lease is left to expire, so that the row ends as failed."""


class Heartbeat:
    """Renews a lease from a thread of its own for as long as the `with` block runs.

    `progress`, 0..100, is written with each beat. A database that can't be reached for a moment costs a
    beat, not the job; a lost lease ends the beats, and `leases.finish` refuses the answer.
    """

    def __init__(self, engine: Engine, lease: leases.Lease, seconds: float) -> None:
        self._engine = engine
        self._lease = lease
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for _ in range(_MOST_BEATS):
            if self._stop.wait(self._seconds / _BEATS_PER_LEASE) or not self._beat():
                return

    def _beat(self) -> bool:
        try:
            return leases.renew(self._engine, self._lease, self._seconds, progress=50)
        except SQLAlchemyError:
            log.warning("job %d: a heartbeat did not reach the database", self._lease.job_id)
            return True
