"""The queue. It only wakes workers: which job is next, and whose it is, the rows of our database say.

A message is the name of the one task, as JSON. It can be lost, doubled or forged without harm: a worker
that is woken asks the database for the oldest job that nobody holds.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import redis
from flask import Flask
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from webapp.config import AppConfig
from webapp.services import inference

log = logging.getLogger(__name__)

_NAME = "secondread"
UNREACHABLE = (sqlite3.Error, redis.RedisError, psycopg.Error, OSError)
"""What a queue that is away raises."""
_PATIENCE = 3
"""Seconds to wait for a queue on the network: an upload must not hang because of it."""


class Queue:
    """The queue of one process. Connected on first use, so that a web process starts without it."""

    def __init__(self, app: Flask, url: str) -> None:
        self.worker = f"worker-{uuid4().hex[:12]}"
        self._app = app
        self._url = url
        self._lock = threading.Lock()
        self._huey: Huey | None = None
        self._busy_since: float | None = None

    @property
    def huey(self) -> Huey:
        """Huey, connected, with our one task."""
        with self._lock:
            if self._huey is None:
                self._huey = _connect(self._url)
                self._huey.on_shutdown(name="close")(self._huey.storage.close)  # in each thread of the worker
                self.task = self._huey.task(name="analyse_next")(self._analyse_next)
            return self._huey

    def wake(self, times: int = 1) -> None:
        """Ask for `times` jobs to be taken up. A queue that can't be reached is logged and does no harm:
        the job rows are safe, and the worker's reaper wakes for them."""
        try:
            huey = self.huey
            for _ in range(times):
                huey.enqueue(self.task.s())
        except UNREACHABLE as error:
            log.warning("the queue can't be reached (%s): workers will see to it", type(error).__name__)

    def missing(self, jobs: int) -> int:
        """How many wake-up calls `jobs` waiting jobs lack: what a lost message or queue file took away."""
        return max(0, jobs - int(self.huey.storage.queue_size()))

    def reachable(self) -> bool:
        """Whether the queue answers."""
        try:
            self.huey.storage.queue_size()
        except UNREACHABLE:
            return False
        return True

    def close(self) -> None:
        """Close this thread's connections; the next use makes new ones."""
        self.huey.storage.close()

    def busy_seconds(self) -> float:
        """For how long this worker has been at the job at hand; 0 where it has none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def _analyse_next(self) -> None:
        self._busy_since = time.monotonic()
        try:
            with self._app.app_context():
                inference.run_next(self.worker)
        finally:
            self._busy_since = None


class _NameSerializer(Serializer):
    """Id and name of a task as JSON. Huey's own serializer is pickle, which runs what it reads."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps([data.id, data.name]).encode()

    def _deserialize(self, data: Any) -> Any:
        task_id, name = json.loads(bytes(data))
        return Message(id=str(task_id), name=str(name), args=(), kwargs={}, retries=0, retry_delay=0)


def init_app(app: Flask, config: AppConfig) -> None:
    """Give `app` its handle on the queue at `QUEUE_URL`."""
    app.extensions["queue"] = Queue(app, config.queue_url)


def _connect(url: str) -> Huey:
    """Huey over `sqlite:///file` (four slashes for an absolute path), `redis://` or `postgresql://`."""
    options: dict[str, Any] = {"results": False, "serializer": _NameSerializer()}
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        path = Path(rest.removeprefix("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(_NAME, filename=str(path), **options)
    if scheme in {"redis", "rediss", "unix"}:
        pool = redis.ConnectionPool.from_url(url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)
        return RedisHuey(_NAME, connection_pool=pool, **options)
    if scheme.partition("+")[0] in {"postgresql", "postgres"}:
        return PostgresHuey(_NAME, dsn=f"postgresql://{rest}", connect_timeout=_PATIENCE, **options)
    raise ValueError("QUEUE_URL must begin with sqlite:///, redis:// or postgresql://.")
