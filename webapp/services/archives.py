"""Zip archives: their members one at a time, bounded in count, size and ratio, whatever the headers claim.

Member names are only ever shown to people; no path is made from them, so there is nothing to slip.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

MAX_RATIO = 200
"""Unpacked to packed size of a member above 1 MiB. Scans pack 1.5 to 20 times, mostly black loops 60."""
_RATIO_FROM = 2**20
_MAX_DIRECTORY = 4 * 2**20
"""Bytes of the central directory: about 40 MB of memory once parsed, and far above any limit on files."""
_END = struct.Struct("<4s4H2LH")
"""End of central directory record, APPNOTE.TXT 4.3.16."""
_END64_LOCATOR = b"PK\x06\x07"
_END64_LOCATOR_SIZE = 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_IN_PARTS = "Upload it in parts."
_SYSTEM_FILES = {"Thumbs.db", "desktop.ini"}
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, NotImplementedError)


class ArchiveError(Exception):
    """What is wrong with an archive or one of its files. `code` is stable, the text is for a person."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        self.code = code
        super().__init__(f"{what} {remedy}")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds: files in the archive, bytes of all of them unpacked, bytes of one of them."""

    files: int
    total_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: its name inside, and its bytes or what is wrong with it."""

    name: str
    data: bytes = b""
    problem: ArchiveError | None = None


def members(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of a zip in their order; folders and hidden files (`__MACOSX`, `.DS_Store`) are left out.

    Only one member is in memory at a time, and never more than `limits.file_bytes + 1` of it: the
    caller's own size limit then refuses it.

    Raises:
        ArchiveError: the archive as a whole is broken, packed in an unknown way, or over a limit.
    """
    _check_directory(stream)
    try:
        archive = zipfile.ZipFile(stream)
    except _BROKEN as error:
        raise _corrupt() from error
    with archive:
        entries = [
            entry
            for entry in archive.infolist()
            if not entry.filename.endswith("/") and not _hidden(entry.filename)
        ]
        _check_bounds(entries, limits)
        for entry in entries:
            yield _member(archive, entry, limits.file_bytes)


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Member:
    problem = _problem(entry)
    if problem is not None:
        return Member(entry.filename, problem=problem)
    try:
        with archive.open(entry) as packed:
            return Member(entry.filename, packed.read(most + 1))
    except _BROKEN:
        return Member(entry.filename, problem=_corrupt())


def _problem(entry: zipfile.ZipInfo) -> ArchiveError | None:
    """What the header of a file says against unpacking it."""
    if entry.flag_bits & 1:
        return ArchiveError("encrypted_zip", "The file is encrypted.", "Pack it again without a password.")
    if entry.compress_type not in _METHODS:  # LZMA may ask for 4 GiB of memory before the first byte
        return ArchiveError(
            "unsupported_zip", "The file is not packed by deflate.", "Pack it as a plain zip."
        )
    if entry.file_size > _RATIO_FROM and entry.file_size > MAX_RATIO * entry.compress_size:
        what = f"The file unpacks to more than {MAX_RATIO} times its packed size."
        return ArchiveError("zip_bomb", what, "Upload it by itself, not in a zip.")
    return None


def _hidden(name: str) -> bool:
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != ".."]
    return (
        not parts or parts[-1] in _SYSTEM_FILES or any(part.startswith((".", "__MACOSX")) for part in parts)
    )


def _check_bounds(entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    if not entries:
        raise ArchiveError("empty_zip", "The archive holds no files.", "Pack the scans again.")
    if len(entries) > limits.files:
        what = f"The archive holds {len(entries)} files, more than {limits.files}."
        raise ArchiveError("too_many_files", what, _IN_PARTS)
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        what = f"The archive unpacks to more than {limits.total_bytes // 2**20} MiB."
        raise ArchiveError("zip_too_large", what, _IN_PARTS)


def _check_directory(stream: BinaryIO) -> None:
    """Bound the central directory before `zipfile` reads all of it into memory."""
    stream.seek(0, 2)
    start = max(0, stream.tell() - (_END.size + _END64_LOCATOR_SIZE + 0xFFFF))
    stream.seek(start)
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise _corrupt()
    size = _END.unpack_from(tail, at)[5]
    if size > _MAX_DIRECTORY or tail[max(0, at - _END64_LOCATOR_SIZE) : at].startswith(_END64_LOCATOR):
        what = "The archive lists far more files than can be uploaded at once."
        raise ArchiveError("too_many_files", what, _IN_PARTS)


def _corrupt() -> ArchiveError:
    return ArchiveError("corrupt_zip", "The archive is damaged or was cut off.", "Pack or copy it again.")
