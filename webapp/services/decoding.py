"""Files of strangers are decoded here: in child processes, so that what breaks a codec breaks no page.

The children belong to the process, not to an application: they hold no state, and each costs a second to
start. `warm` starts them before the first file comes.
"""

from __future__ import annotations

import threading

import ml
from webapp import config
from webapp.errors import Unavailable

_making = threading.Lock()
_decoders: dict[tuple[object, ...], ml.IsolatedDecoder] = {}


class DecoderUnavailable(Unavailable):
    """No process can be started to decode in; the file itself may be as good as any."""

    code = "decoder_unavailable"
    default = "The server can't look at files just now. Nothing was kept; try again in a moment."


def inspect(data: bytes) -> ml.ScanInfo:
    """What a file says of itself; returning at all proves that its frame 0 decodes.

    Raises:
        ml.ImageError: what is wrong with the file, what it does to a decoder included.
        DecoderUnavailable: there is no decoder.
    """
    try:
        return decoder().inspect(data, imaging_limits())
    except ml.DecoderUnavailableError as error:
        raise DecoderUnavailable from error


def decode(data: bytes, frame: int = 0) -> ml.Scan:
    """One frame of a file, 0-based. Errors as in `inspect`."""
    try:
        return decoder().decode(data, frame, imaging_limits())
    except ml.DecoderUnavailableError as error:
        raise DecoderUnavailable from error


def warm() -> None:
    """Start this process's decoders, without waiting for them, where they don't run yet."""
    try:
        decoder().warm()
    except ml.DecoderUnavailableError:
        return  # who brings a file is told


def decoder() -> ml.IsolatedDecoder:
    """This process's decoder for the settings of the application at work."""
    settings = config.current()
    key = (settings.decode_seconds, settings.decode_memory_bytes, settings.decoders)
    with _making:
        if key not in _decoders:
            limits = ml.ProcessLimits(settings.decode_seconds, settings.decode_memory_bytes)
            _decoders[key] = ml.IsolatedDecoder(limits, settings.decoders)
        return _decoders[key]


def imaging_limits() -> ml.ImagingLimits:
    """The limits of the settings, in the words of `ml`."""
    settings = config.current()
    return ml.ImagingLimits(settings.max_file_bytes, settings.max_pixels, settings.max_frames)
