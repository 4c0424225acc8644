"""The program that decodes: `python -m ml.decoding.child CHANNEL MEMORY`, for `ml.decoding.process` only.

It knows no secret, opens no connection and writes no file. It ends when its parent does: the channel then
ends. (PR_SET_PDEATHSIG would follow the parent's thread, and threads of a web server come and go.)
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

from ml.decoding import wire
from ml.errors import ImageError
from ml.imaging import decode, inspect

_NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS of prctl(2)."""
_MOST_FILE = 2**40
"""The parent's word on the length of a file is good; `ImagingLimits` judges it."""


def serve(channel: socket.socket, memory: int) -> None:
    """Answer requests one after the other until the channel ends."""
    confine(memory)
    wire.send(channel, {"ready": True})
    while True:
        try:
            header, data = wire.receive(channel, _MOST_FILE)
        except EOFError:
            return
        _answer(channel, wire.request_of(header), bytes(data))


def confine(memory: int) -> None:
    """Give up what decoding doesn't need, for good. `memory`: bytes beyond what is in use now."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides; it may still have work in hand
        signal.signal(number, signal.SIG_IGN)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, in_use + memory)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)  # a core dump would hold a patient's scan
    ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    # Codecs and parsers write what they make of a file; it may be a patient's, and nobody asked.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _allow_processor(seconds: int) -> None:
    """End this process (SIGXCPU) after `seconds` more of processor time, rounded up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _answer(channel: socket.socket, request: wire.Request, data: bytes) -> None:
    _allow_processor(request.cpu_seconds)
    try:
        header, bodies = _done(request, data)
    except ImageError as error:
        header, bodies = wire.fault_header(error.code, error.what, error.remedy), []
    wire.send(channel, header, *bodies)


def _done(request: wire.Request, data: bytes) -> tuple[dict[str, object], list[Any]]:
    if request.frame is None:
        return wire.info_header(inspect(data, request.limits)), []
    scan = decode(data, request.frame, request.limits)
    planes = [scan.pixels] if scan.colour is None else [scan.pixels, scan.colour]
    return wire.scan_header(scan), [plane.reshape(-1).data for plane in planes]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
