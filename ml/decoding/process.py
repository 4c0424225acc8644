"""One decoding process, seen by its parent: started, asked, and killed when it doesn't answer."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess  # the codecs run in a process of their own  # nosec B404
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.decoding import wire
from ml.errors import (
    DecoderCrashedError,
    DecoderMemoryError,
    DecoderTimeoutError,
    DecoderUnavailableError,
)

COMMAND = (sys.executable, "-m", "ml.decoding.child")
_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 120.0
"""For the imports, which take one second on an idle machine."""
_SECRETLESS = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""All that a child learns of our environment: what breaks into it finds no key and no password."""
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "2",  # each arena reserves 64 MiB, which would count as memory in use
}
MIB = 2**20


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one file may take: `seconds`, of the clock and of the processor, and bytes of `memory`
    beyond what the process takes anyway (some 400 MiB of addresses, 100 MiB of them in use)."""

    seconds: float = 10.0
    memory: int = 1024 * MIB


class Child:
    """A process that decodes. Not for two threads at once: `ml.decoding.pool` lends it to one at a time."""

    def __init__(self, limits: ProcessLimits, command: Sequence[str] = COMMAND) -> None:
        self.started = False
        """Whether it has said that it is ready."""
        self.spoiled = False
        """Whether it must not be asked again: in the middle of something, or swollen."""
        self._limits = limits
        self._channel, theirs = socket.socketpair()
        with theirs:
            try:
                self._program = _program(command, theirs.fileno(), limits.memory)
            except OSError:
                self._channel.close()
                raise

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._program.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._program.poll() is None

    def ask(self, request: wire.Request, data: bytes) -> tuple[wire.Facts, bytearray]:
        """What it finds, with the pixels.

        Raises:
            ImageError: what it says of the file.
            DecoderUnavailableError: it did not start.
            DecoderTimeoutError: it took longer than the limit.
            DecoderCrashedError: it died, or made no sense.
        """
        self.spoiled = True
        self._wait_until_ready()
        answer, body = self._answer(request, data)
        if answer.facts:
            self.spoiled = False
            return answer.facts, body
        error = wire.error_of(answer)
        self.spoiled = isinstance(error, DecoderMemoryError)  # what it has taken it may not give back
        raise error

    def kill(self) -> None:
        """End it now, whatever it does."""
        self._program.kill()
        self._program.wait()
        self._channel.close()

    def _answer(self, request: wire.Request, data: bytes) -> tuple[wire.Answer, bytearray]:
        deadline = time.monotonic() + self._limits.seconds
        try:
            self._channel.settimeout(self._limits.seconds)
            wire.send(self._channel, wire.request_header(request), data)
            header, body = wire.receive(self._channel, wire.most_of_answer(request), deadline)
            return wire.answer_of(header, body, request), body
        except TimeoutError:
            raise self._too_slow() from None
        except (OSError, EOFError, wire.WireError):
            if self._ended_by() == -signal.SIGXCPU:
                raise self._too_slow() from None
            raise DecoderCrashedError("The decoder broke down on this file.") from None

    def _wait_until_ready(self) -> None:
        if self.started:
            return
        try:
            wire.receive(self._channel, 0, time.monotonic() + _START_SECONDS)
        except (OSError, EOFError, wire.WireError):
            raise DecoderUnavailableError("The decoder can't be started.") from None
        self.started = True

    def _ended_by(self) -> int | None:
        """Its exit status; it has hung up, so that it ends in this moment or makes no sense at all."""
        try:
            return self._program.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def _too_slow(self) -> DecoderTimeoutError:
        return DecoderTimeoutError(f"Reading this file takes longer than {self._limits.seconds:g} seconds.")


def _program(command: Sequence[str], channel: int, memory: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  our own program, no shell  # nosec B603
        [*command, str(channel), str(memory)],
        pass_fds=[channel],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=_ROOT,
        env={name: os.environ[name] for name in _SECRETLESS if name in os.environ} | _ONE_THREAD,
    )


def cpu_seconds(limits: ProcessLimits) -> int:
    """`limits.seconds` as the kernel counts processor time, in whole seconds."""
    return math.ceil(limits.seconds)
