"""Children that decode, lent out one file at a time; one that dies or hangs is replaced at once."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress

from ml.decoding import wire
from ml.decoding.process import COMMAND, Child, ProcessLimits, cpu_seconds
from ml.errors import DecoderUnavailableError
from ml.imaging import ImagingLimits
from ml.types import Scan, ScanInfo

_pools: weakref.WeakSet[IsolatedDecoder] = weakref.WeakSet()


class IsolatedDecoder:
    """`ml.imaging.inspect` and `decode` in other processes: the same values to the last bit, and a file
    that crashes, hangs or swells a codec costs a child and never the caller. For any number of threads.

    `children`: how many files are decoded at once; further callers wait for one to come free. They are
    started on first use, or by `warm`, and end with this process, however it ends.

    Example:
        >>> decoder = IsolatedDecoder()
        >>> decoder.inspect(Path("scan.dcm").read_bytes()).frames    # doctest: +SKIP
        1
    """

    def __init__(
        self,
        limits: ProcessLimits | None = None,
        children: int = 2,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._limits = limits or ProcessLimits()
        self._most = children
        self._command = tuple(command)
        self._begin()
        _pools.add(self)

    def inspect(self, data: bytes, limits: ImagingLimits | None = None) -> ScanInfo:
        """As `ml.imaging.inspect`.

        Raises:
            ImageError: as there; or DecoderCrashedError, DecoderTimeoutError, DecoderMemoryError.
            DecoderUnavailableError: no child can be started; nothing is known of the file.
        """
        facts, _ = self._ask(data, None, limits or ImagingLimits())
        return facts.info

    def decode(self, data: bytes, frame: int = 0, limits: ImagingLimits | None = None) -> Scan:
        """As `ml.imaging.decode`. Errors as in `inspect`."""
        facts, body = self._ask(data, frame, limits or ImagingLimits())
        return wire.scan_of(facts, frame, body)

    def warm(self) -> None:
        """Start all children now, without waiting for them."""
        with self._lock:
            while len(self._all) < self._most:
                self._idle.append(self._start())

    def children(self) -> list[int]:
        """The process numbers of the children that live."""
        with self._lock:
            return [child.pid for child in self._all if child.alive]

    def close(self) -> None:
        """End all children; who is being served meanwhile gets DecoderCrashedError."""
        with self._lock:
            self._closed = True
            for child in self._all:
                child.kill()
            self._all.clear()
            self._idle.clear()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self._most)
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._closed = False

    def _ask(self, data: bytes, frame: int | None, limits: ImagingLimits) -> tuple[wire.Facts, bytearray]:
        limits.check_bytes(data)  # there is no need to carry these over
        request = wire.Request(frame, limits, cpu_seconds(self._limits))
        with self._free:
            child = self._take()
            try:
                return child.ask(request, data)
            finally:
                self._give_back(child)

    def _take(self) -> Child:
        with self._lock:
            if self._closed:
                raise DecoderUnavailableError("The decoder is shutting down.")
            while self._idle:
                child = self._idle.pop()  # the one used last: its memory is in the caches
                if child.alive:
                    return child
                self._forget(child)
            return self._start()

    def _start(self) -> Child:
        """A new child. Holds the lock."""
        try:
            child = Child(self._limits, self._command)
        except OSError:
            raise DecoderUnavailableError("The decoder can't be started.") from None
        self._all.add(child)
        return child

    def _forget(self, child: Child) -> None:
        """End a child for good. Holds the lock."""
        child.kill()
        self._all.discard(child)

    def _give_back(self, child: Child) -> None:
        """Lend `child` to the next, or a new one in its place."""
        with self._lock:
            if self._closed:
                return
            if not child.spoiled:
                self._idle.append(child)
                return
            self._forget(child)
            if child.started:  # else a new one would do no better
                with suppress(DecoderUnavailableError):  # the next caller is told, if it still is so
                    self._idle.append(self._start())


def _end_all() -> None:
    for pool in list(_pools):
        pool.close()


def _after_fork() -> None:
    """A forked process must not speak to the children of another: two patients' frames could cross."""
    for pool in list(_pools):
        pool._begin()


atexit.register(_end_all)
os.register_at_fork(after_in_child=_after_fork)
