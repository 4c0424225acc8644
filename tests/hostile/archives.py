"""Hostile zip archives: bombs, slips, nests, lies; and archives of other kinds."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable

from tests.hostile.pictures import MIB
from tests.hostile.table import Hostile
from tests.scans import png

Files = list[tuple[str | zipfile.ZipInfo, bytes]]


def packed(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data, method)
    return stream.getvalue()


def zipped(make: Callable[[], bytes], *codes: str, shown: str | None = None) -> Hostile:
    """An archive with the verdicts on its members."""
    shape = (64, 48, 1) if "accepted" in codes else None
    return Hostile(make, codes, shape, b"scans.zip", shown)


def _one(name: str, seed: int) -> Callable[[], bytes]:
    return lambda: packed([(name, png(seed))])


def _link(name: str, to: str) -> tuple[zipfile.ZipInfo, bytes]:
    """A symbolic link, as unzip would make one."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, to.encode()


def _nested(depth: int) -> bytes:
    data = packed([("scan.png", png(201))])
    for level in range(depth):
        data = packed([(f"{level}.zip", data)], zipfile.ZIP_STORED)
    return data


def _overlapping(entries: int) -> bytes:
    """Many names for one and the same packed file (Fifield, "A better zip bomb", 2019)."""
    data = packed([("a.bmp", bytes(16 * MIB))])
    start = data.rfind(b"PK\x01\x02")
    end = data.rfind(b"PK\x05\x06")
    entry = data[start:end]
    close = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, entries * len(entry), start, 0)
    return data[:start] + entry * entries + close


def _directory(data: bytes, offset: int, code: str, value: int) -> bytes:
    """Change a field of the last entry of the central directory (APPNOTE.TXT 4.3.12)."""
    changed = bytearray(data)
    struct.pack_into(code, changed, data.rfind(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def _end(data: bytes, offset: int, code: str, value: int) -> bytes:
    """Change a field of the end of the central directory (APPNOTE.TXT 4.3.16)."""
    changed = bytearray(data)
    struct.pack_into(code, changed, data.rfind(b"PK\x05\x06") + offset, value)
    return bytes(changed)


def _zip64() -> bytes:
    data = packed([("scan.png", png(202))])
    end = data.rfind(b"PK\x05\x06")
    return data[:end] + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1) + data[end:]


def _flipped() -> bytes:
    data = bytearray(packed([("a.png", png(203)), ("b.png", png(204))], zipfile.ZIP_STORED))
    data[60] ^= 0xFF
    return bytes(data)


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../../scan.png")
        entry.size = len(png(205))
        archive.addfile(entry, io.BytesIO(png(205)))
    return stream.getvalue()


def _document() -> bytes:
    """What a word processor saves is a zip, too."""
    return packed([("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w:document/>")])


ARCHIVES: dict[str, Hostile] = {
    # slips: a name in an archive is only a name
    "zip that climbs out": zipped(_one("../../../../../../etc/scan.png", 211), "accepted", shown="scan.png"),
    "zip with an absolute name": zipped(_one("/etc/cron.d/scan.png", 212), "accepted", shown="scan.png"),
    "zip that climbs out by backslashes": zipped(
        _one("..\\..\\Windows\\scan.png", 213), "accepted", shown="scan.png"
    ),
    "zip with a drive": zipped(_one("C:\\scan.png", 214), "accepted", shown="scan.png"),
    "zip with a link to the passwords": zipped(
        lambda: packed([_link("scan.png", "/etc/passwd")]), "not_an_image"
    ),
    "zip with a link and a file behind it": zipped(
        lambda: packed([_link("to", "/tmp"), ("to/scan.png", png(215))]), "not_an_image", "accepted"
    ),
    "zip with one name twice": zipped(
        lambda: packed([("scan.png", png(216)), (zipfile.ZipInfo("scan.png "), png(217))]),
        "accepted",
        "accepted",
    ),
    "zip with a name of 500 characters": zipped(
        _one("n" * 500 + ".png", 218), "accepted", shown="n" * 251 + ".png"
    ),
    "zip with a name from right to left": zipped(
        _one("scan\u202egnp.exe", 219), "accepted", shown="scangnp.exe"
    ),
    "zip with a name with NUL": zipped(
        lambda: packed([("scan#.png", png(220))]).replace(b"scan#", b"scan\0"), "accepted", shown="scan"
    ),
    "zip with a name that begins with NUL": zipped(
        lambda: packed([("scan#.png", png(232))]).replace(b"scan#", b"\0can#"), "empty_zip"
    ),
    # bombs
    "zip of 1 GiB in one file": zipped(lambda: packed([("a.bmp", bytes(1024 * MIB))]), "zip_bomb"),
    "zip of too much in all": zipped(
        lambda: packed([(f"{n}.bmp", bytes(96 * MIB)) for n in range(11)]), "zip_too_large"
    ),
    "zip of 64 names for one bomb": zipped(lambda: _overlapping(64), *["zip_bomb"] * 64),
    "zip of 2,001 files": zipped(lambda: packed([(f"{n}.png", b"x") for n in range(2001)]), "too_many_files"),
    "zip of 65,535 files": zipped(lambda: _overlapping(65_535), "too_many_files"),
    "zip in a zip": zipped(lambda: _nested(1), "nested_archive"),
    "zip nested ten times": zipped(lambda: _nested(10), "nested_archive"),
    "zip with a scan and a zip": zipped(
        lambda: packed([("scan.png", png(221)), ("more.zip", packed([("a.png", png(222))]))]),
        "accepted",
        "nested_archive",
    ),
    # lies
    "zip cut in the middle": zipped(lambda: packed([("a.png", png(223))])[:900], "corrupt_zip"),
    "zip without its directory": zipped(lambda: packed([("a.png", png(224))])[:-22], "corrupt_zip"),
    "zip of a signature": zipped(lambda: b"PK\x03\x04", "corrupt_zip"),
    "zip of nothing": zipped(lambda: packed([]), "empty_zip"),
    "zip of folders": zipped(lambda: packed([("a/", b""), ("a/b/", b"")]), "empty_zip"),
    "zip with a damaged file": zipped(_flipped, "corrupt_zip", "accepted"),
    "zip with a lie about a size": zipped(
        lambda: _directory(packed([("a.png", png(225))]), 24, "<L", 100), "corrupt_zip"
    ),
    "zip with an offset beyond itself": zipped(
        lambda: _directory(packed([("a.png", png(226))]), 42, "<L", 2**31), "corrupt_zip"
    ),
    "zip with a directory of 2 GiB": zipped(
        lambda: _end(packed([("a.png", png(227))]), 12, "<L", 2**31), "too_many_files"
    ),
    "zip with a directory of its own 64-bit size": zipped(_zip64, "too_many_files"),
    "zip of another version": zipped(
        lambda: _directory(packed([("a.png", png(228))]), 6, "<H", 255), "corrupt_zip"
    ),
    "encrypted zip": zipped(lambda: _directory(packed([("a.png", png(229))]), 8, "<H", 1), "encrypted_zip"),
    "zip packed by lzma": zipped(lambda: packed([("a.png", png(230))], zipfile.ZIP_LZMA), "unsupported_zip"),
    "zip packed by bzip2": zipped(
        lambda: packed([("a.png", png(231))], zipfile.ZIP_BZIP2), "unsupported_zip"
    ),
    # other kinds
    "document that is a zip": zipped(_document, "not_an_image", "not_an_image"),
    "tar that climbs out": zipped(_tar, "not_an_image"),
    "7z": zipped(lambda: b"7z\xbc\xaf\x27\x1c" + bytes(200), "not_an_image"),
    "rar": zipped(lambda: b"Rar!\x1a\x07\x01\0" + bytes(200), "not_an_image"),
}
