"""Hostile file names, each of a good scan: as the bytes that a browser, or no browser, would send."""

from __future__ import annotations

from tests.hostile.table import Hostile
from tests.scans import png

# bytes sent -> what people see
_NAMES: dict[str, tuple[bytes, str]] = {
    "that climbs out": (b"../../../../etc/passwd.png", "passwd.png"),
    "that is a path": (b"/etc/shadow", "shadow"),
    "that climbs out by backslashes": (b"..\\\\..\\\\boot.ini", "boot.ini"),
    "of dots alone": (b"../..", ".."),
    "with NUL": (b"scan.png\0.exe", "scan.png.exe"),
    "of 500 characters": (b"n" * 500 + b".png", "n" * 251 + ".png"),
    "of 500 characters without an ending": (b"m" * 500, "m" * 255),
    "from right to left": ("scan\u202egnp.exe".encode(), "scangnp.exe"),
    "of marks that don't show": ("\u200b\u200e\u2066.png".encode(), ".png"),
    "with a line of its own": (b"scan%0d%0aSet-Cookie: a=b.png", "scan%0d%0aSet-Cookie: a=b.png"),
    "with a bell and escapes": (b"\x07\x1b[31mscan.png", "[31mscan.png"),
    "with a script": (b"<script>alert(1)<!--.png", "<script>alert(1)<!--.png"),
    "with quotes": (b"\\\" onerror=alert(1) '.png", "\" onerror=alert(1) '.png"),
    "of astral characters": ("\U0001f5ff\U00020000.png".encode(), "\U0001f5ff\U00020000.png"),
    "of a device": (b"CON", "CON"),
    "of an option": (b"--checkpoint-action=exec=sh", "--checkpoint-action=exec=sh"),
    "of a template": (b"{{7*7}}%(x)s{0}.png", "{{7*7}}%(x)s{0}.png"),
    "of a statement": (b"a'); DROP TABLE images;--.png", "a'); DROP TABLE images;--.png"),
    "of an address": (b"http://169.254.169.254/latest/meta-data", "meta-data"),
}

NAMES: dict[str, Hostile] = {
    f"name {which}": Hostile(lambda seed=300 + n: png(seed), ("accepted",), (64, 48, 1), sent, shown)
    for n, (which, (sent, shown)) in enumerate(_NAMES.items())
}
