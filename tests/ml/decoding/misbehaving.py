"""A decoding process that does what a broken codec would, when the file's bytes tell it to.

`python -m tests.ml.decoding.misbehaving CHANNEL MEMORY`, in place of `ml.decoding.child`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable

from ml.decoding import child
from ml.errors import TruncatedImageError
from ml.imaging.faults import named_errors

COMMAND = (sys.executable, "-m", "tests.ml.decoding.misbehaving")


def _compute() -> None:
    while True:
        pass


def _swell() -> None:
    with named_errors("The file"):
        hoard = [bytes(2**26) for _ in range(100)]
        raise AssertionError(len(hoard))


def _write() -> None:
    with open("written-by-a-decoder", "wb") as file:
        file.write(b"x")


def _show_environment() -> None:
    raise TruncatedImageError(" ".join(sorted(os.environ)))


def _message(header: object, body: bytes = b"") -> bytes:
    words = json.dumps(header).encode()
    return struct.pack(">IQ", len(words), len(body)) + words + body


def _facts(width: object, height: object, **more: object) -> dict[str, object]:
    info = {"format": "png", "width": width, "height": height, "frames": 1}
    return {"facts": {"info": info, **more}}


ACTS: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "compute": _compute,
    "sleep": lambda: time.sleep(60),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "swell": _swell,
    "write": _write,
    "show environment": _show_environment,
}
LIES = {
    "an endless message": struct.pack(">IQ", 2**32 - 1, 2**60),
    "noise": b"\xff" * 4096,
    "no JSON": struct.pack(">IQ", 3, 0) + b"{{{",
    "neither facts nor a fault": _message({}),
    "no pixels": _message(_facts(4, 4)),
    "more pixels than agreed on": _message(_facts(4, 4), bytes(17)),
    "fewer pixels than agreed on": _message(_facts(4, 4, coloured=True, colour_share=0.5), bytes(16)),
    "no size": _message(_facts(0, 0)),
    "a size beyond the limits": _message(_facts(10**9, 10**9)),
    "words for numbers": _message(_facts("4", "4"), bytes(16)),
    "something besides": _message({**_facts(4, 4), "more": 1}, bytes(16)),
    "an unheard-of fault": _message({"fault": {"code": "x", "what": "y", "remedy": "z"}}),
}


def _misbehave(data: bytes, *more: object) -> object:
    told = data.decode(errors="replace")
    if told in LIES:
        channel.sendall(LIES[told])
        time.sleep(60)  # and never listens again
    if told not in ACTS:
        return decode(data, *more)
    ACTS[told]()
    raise TruncatedImageError("The act is over.")


if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    decode, child.decode = child.decode, _misbehave
    child.serve(channel, int(sys.argv[2]))
