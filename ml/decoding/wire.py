"""What parent and child say to each other: a length-checked header in JSON, then plain bytes.

    4 bytes   length of the header, big-endian
    8 bytes   length of the body, big-endian
    header    JSON, UTF-8
    body      the file (to the child); grey pixels, then colour pixels where there are any (from it)

A child that has decoded a hostile file may be hostile itself: its answer is never unpickled, never longer
than was agreed on, and every value of it is checked before anybody uses it.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml import errors
from ml.errors import ImageError
from ml.imaging import ImagingLimits
from ml.types import Scan, ScanInfo

_HEAD = struct.Struct(">IQ")
MAX_HEADER = 256 * 1024
"""Bytes. The longest real one, 64 ultrasound regions in a DICOM file, takes some 10 KiB."""
_NEVER = float("inf")
_CHANNELS = 3
_MAX_WORDS = 500
_KINDS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ImageError)
}


class WireError(Exception):
    """The other side has said something that makes no sense, or hung up in the middle of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a child is asked: the facts of a file, and the pixels of `frame` where it isn't None.

    `cpu_seconds`: processor time after which the kernel ends the child.
    """

    frame: int | None
    limits: ImagingLimits
    cpu_seconds: int


class Fault(BaseModel):
    """An `ImageError`, by its code."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: str = Field(max_length=64)
    what: str = Field(max_length=_MAX_WORDS)
    remedy: str = Field(max_length=_MAX_WORDS)


class Facts(BaseModel):
    """What was found. `coloured`: colour pixels follow the grey ones."""

    model_config = ConfigDict(extra="forbid", strict=True)

    info: ScanInfo
    coloured: bool = False
    colour_share: float = Field(default=0.0, ge=0, le=1)


class Answer(BaseModel):
    """One of the two."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: Fault | None = None
    facts: Facts | None = None


def send(channel: socket.socket, header: dict[str, Any], *bodies: Any) -> None:
    """Send one message. Raises OSError, and TimeoutError where the channel has a timeout."""
    words = json.dumps(header, allow_nan=False).encode()
    channel.sendall(_HEAD.pack(len(words), sum(len(body) for body in bodies)) + words)
    for body in bodies:
        channel.sendall(body)


def receive(channel: socket.socket, most: int, deadline: float = _NEVER) -> tuple[bytes, bytearray]:
    """Header and body of one message, the body of at most `most` bytes, until `deadline` (monotonic).

    Raises:
        EOFError: the other side has hung up before the message.
        WireError: it hung up within one, or announces more than `most`.
        TimeoutError: the deadline has passed.
    """
    try:
        words, body = _HEAD.unpack(_exactly(channel, _HEAD.size, deadline))
    except WireError:
        raise EOFError from None
    if words > MAX_HEADER or body > most:
        raise WireError(f"a message of {words} + {body} bytes")
    return bytes(_exactly(channel, words, deadline)), _exactly(channel, body, deadline)


def _exactly(channel: socket.socket, count: int, deadline: float) -> bytearray:
    buffer = bytearray(count)
    view, done = memoryview(buffer), 0
    while done < count:
        if deadline != _NEVER:
            channel.settimeout(max(0.001, deadline - time.monotonic()))
        taken = channel.recv_into(view[done:])
        if not taken:
            raise WireError("hung up")
        done += taken
        if time.monotonic() > deadline:
            raise TimeoutError
    return buffer


def request_header(request: Request) -> dict[str, Any]:
    """`request` as a header."""
    return asdict(request)


def request_of(header: bytes) -> Request:
    """The request of a header; it comes from our own parent and is believed."""
    said = json.loads(header)
    return Request(said["frame"], ImagingLimits(**said["limits"]), said["cpu_seconds"])


def info_header(info: ScanInfo) -> dict[str, Any]:
    """Facts without pixels as a header."""
    return {"facts": {"info": asdict(info)}}


def scan_header(scan: Scan) -> dict[str, Any]:
    """Facts and pixels as a header; `scan.pixels` and `scan.colour` are the bodies."""
    more = {"coloured": scan.colour is not None, "colour_share": scan.colour_share}
    return {"facts": {"info": asdict(scan.info), **more}}


def fault_header(code: str, what: str, remedy: str) -> dict[str, Any]:
    """An error as a header."""
    return {"fault": {"code": code, "what": what[:_MAX_WORDS], "remedy": remedy[:_MAX_WORDS]}}


def most_of_answer(request: Request) -> int:
    """The most bytes that the body of the answer to `request` may have."""
    return 0 if request.frame is None else request.limits.max_pixels * (1 + _CHANNELS)


def answer_of(header: bytes, body: bytearray, request: Request) -> Answer:
    """The answer of a message. Raises WireError where it isn't one to `request`."""
    try:
        answer = Answer.model_validate_json(header)
    except ValidationError:  # its text would quote the answer
        raise WireError("not an answer") from None
    if (answer.fault is None) == (answer.facts is None):
        raise WireError("neither facts nor a fault")
    if answer.fault and answer.fault.code not in _KINDS:
        raise WireError("a fault that was never heard of")
    if answer.facts:
        _check_size(answer.facts, len(body), request)
    return answer


def _check_size(facts: Facts, held: int, request: Request) -> None:
    height, width = facts.info.height, facts.info.width
    if height < 1 or width < 1 or height * width > request.limits.max_pixels:
        raise WireError("a frame of a size that was not agreed on")
    layers = (1 + _CHANNELS if facts.coloured else 1) if request.frame is not None else 0
    if held != height * width * layers:
        raise WireError("more or fewer pixels than announced")


def error_of(answer: Answer) -> ImageError:
    """The error that a checked answer without facts names."""
    fault = answer.fault
    return _KINDS[fault.code](fault.what, fault.remedy) if fault else ImageError("Nothing was found.")


def scan_of(facts: Facts, frame: int, body: bytearray) -> Scan:
    """The scan of an answer that has been checked."""
    height, width = facts.info.height, facts.info.width
    flat, size = np.frombuffer(body, np.uint8), height * width
    colour = flat[size:].reshape(height, width, _CHANNELS) if facts.coloured else None
    return Scan(facts.info, frame, flat[:size].reshape(height, width), colour, facts.colour_share)
