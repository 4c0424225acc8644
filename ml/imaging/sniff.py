"""Which format the bytes are, judged by the bytes alone; a file's name proves nothing."""

from __future__ import annotations

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),  # BigTIFF
    (b"MM\x00+", "tiff"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # an archive without members
)
_DIB_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(data: bytes) -> str | None:
    """Name the format of `data`: "png", "jpeg", "tiff", "bmp", "webp", "dicom" or "zip", else None.

    The first 132 bytes are enough. Never raises.
    """
    if data[128:132] == b"DICM":  # first: its 128 bytes of preamble may hold another format (PS3.10 7.1)
        return "dicom"
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    # "BM" alone also begins ordinary words, so the size of the second header has to be a known one
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _DIB_HEADER_SIZES:
        return "bmp"
    return None
