"""DICOM RLE (PS3.5 annex G): PackBits over byte planes, unpacked by Pillow's PackBits in C.

Its output is bounded by the announced frame, however long the runs in the file are.
"""

from __future__ import annotations

import struct

from PIL import Image

from ml.errors import InconsistentHeaderError

_HEADER = struct.Struct("<16I")


def unpack(encoded: bytes, pixels: int, samples: int, sample_bytes: int) -> bytes:
    """One encoded frame -> its samples, little-endian, plane after plane (Planar Configuration 1).

    Raises:
        InconsistentHeaderError: the number of byte planes isn't samples x sample_bytes.
        ValueError, struct.error: a plane is damaged or ends early.
    """
    count, *offsets = _HEADER.unpack_from(encoded)
    if count != samples * sample_bytes:
        raise InconsistentHeaderError(
            f"The RLE data has {count} byte planes instead of {samples * sample_bytes}."
        )
    bounds = [*offsets[:count], len(encoded)]
    planes = [_plane(encoded[bounds[i] : bounds[i + 1]], pixels) for i in range(count)]
    frame = bytearray(pixels * count)
    for i, plane in enumerate(planes):  # the most significant byte of each sample comes first
        sample, byte = divmod(i, sample_bytes)
        first = sample * pixels * sample_bytes + sample_bytes - 1 - byte
        frame[first : first + pixels * sample_bytes - (sample_bytes - 1 - byte) : sample_bytes] = plane
    return bytes(frame)


def _plane(packed: bytes, pixels: int) -> bytes:
    # one row as long as the frame: encoders let runs cross the rows' ends, though they shouldn't
    return Image.frombytes("L", (pixels, 1), packed, "packbits", "L").tobytes()
