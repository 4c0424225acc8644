"""JPEG segments (ITU-T T.81, annex B): size, orientation, and whether the scan data is all there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile

from ml.errors import InconsistentHeaderError, TruncatedImageError
from ml.imaging.tags import exif_orientation

_SOS, _EXIF, _ADOBE = 0xDA, 0xE1, 0xEE
_SCAN, _SCAN_END = b"\xff\xda", re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Within a scan FF stands only before 00 and the restart markers D0 to D7 (T.81 B.1.1.5)."""
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # F7: JPEG-LS (ITU-T T.87)
_METADATA = frozenset(range(0xE1, 0xF0)) - {_ADOBE} | {0xFE}
MAX_SEGMENTS = 10_000
MAX_SCANS = 200
"""Every scan of a progressive image passes over the whole frame; common encoders write about ten."""


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Size in pixels as stored, bits of a sample, components, EXIF orientation 1..8.

    `plain` is the file without comments and metadata: all that a decoder needs, and nothing that it
    might choke on.
    """

    width: int
    height: int
    precision: int
    components: int
    orientation: int
    plain: bytes


def header(data: bytes) -> JpegHeader:
    """Read the segments before the first scan of a JPEG or JPEG-LS stream.

    Raises:
        TruncatedImageError: the stream ends before the first scan.
        InconsistentHeaderError: no frame header, or more segments or scans than any encoder writes.
    """
    frame = b""
    orientation = 1
    kept = [b"\xff\xd8"]
    for marker, start, end in _segments(data):
        if marker == _SOS:
            kept.append(data[start - 4 :])
            break
        payload = data[start:end]
        if marker in _SOF:
            frame = payload
        if marker == _EXIF and payload.startswith(b"Exif\x00\x00"):
            orientation = exif_orientation(payload)
        if marker not in _METADATA:
            kept.append(data[start - 4 : end])
    if len(frame) < 6:
        raise InconsistentHeaderError("The JPEG data has no frame header.")
    plain = b"".join(kept)
    if plain.count(_SCAN) > MAX_SCANS:
        raise InconsistentHeaderError(f"The JPEG data has more than {MAX_SCANS} scans.")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return JpegHeader(width, height, frame[0], frame[5], orientation, plain)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's payload, the first scan's header being the last one."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        while data[position : position + 2] == b"\xff\xff":  # fill bytes, T.81 B.1.1.2
            position += 1
        if len(data) < position + 4:
            raise TruncatedImageError("The JPEG data ends within its header.")
        if data[position] != 0xFF:
            raise InconsistentHeaderError("The JPEG header is damaged.")
        marker = data[position + 1]
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, position + 4, end
        if marker == _SOS:
            return
        position = end
    raise InconsistentHeaderError(f"The JPEG data has more than {MAX_SEGMENTS} segments.")


def is_whole(plain: bytes) -> bool:
    """Whether the scan data of a decodable JPEG reach to its last pixel.

    libjpeg fills a scan that ends early with grey and tells nobody. A decoder that has all that it
    needs never looks at data added behind; one that fell short takes them for image data and draws
    something else. So a whole image decodes to the same pixels with and without tails.
    """
    return _preview(plain) == _preview(_with_tails(plain))


def _with_tails(plain: bytes) -> bytes:
    """The same file with data added behind each of its scans."""
    parts, done, scan = [], 0, plain.find(_SCAN)
    while scan >= 0 and (end := _SCAN_END.search(plain, scan + 2)):
        parts += [plain[done : end.start()], _TAIL]
        done = end.start()
        scan = plain.find(_SCAN, done)
    return b"".join([*parts, plain[done:]])


def _preview(plain: bytes) -> bytes:
    image = JpegImageFile(BytesIO(plain))
    image.draft(None, (1, 1))  # an eighth of the size: all scan data are read, few pixels computed
    return image.tobytes()


_TAIL = bytes(range(7, 255, 8)) * 16
