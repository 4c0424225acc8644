"""The file of a backup: a tar, compressed where its name ends in .gz, whose last member names the SHA-256
of every other, in the form of `sha256sum`. A file without that last member was broken off.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from webapp.errors import AppError
from webapp.models import now
from webapp.services import durable

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, UnicodeDecodeError)


class BackupError(AppError):
    """A backup can't be written, read or restored; nothing half is left under its name."""

    code, title = "backup", "The backup did not work"


class Writer:
    """Writes a backup to `path`; it appears there, whole and on the disk, when the `with` block ends well.

    Raises:
        BackupError: there is a file already, or the disk is full or refuses.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise BackupError(f"{path} exists. A backup is never overwritten: choose another name.")
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._sums: list[str] = []

    def __enter__(self) -> Writer:
        with _named(f"{self._path} can't be written"):
            # For the owner alone: it holds what the clinic knows of its patients.
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            self._file = os.fdopen(os.open(self._partial, flags, 0o600), "w+b")
            mode, more = ("w:gz", {"compresslevel": 1}) if self._path.suffix == ".gz" else ("w", {})
            self._tar = tarfile.open(fileobj=self._file, mode=mode, **more)  # type: ignore[call-overload]
        return self

    def add(self, name: str, data: bytes) -> None:
        """Add a member."""
        self._sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        self._add(name, data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._close()
        finally:
            self._file.close()
            with suppress(OSError):  # renamed, where all went well
                self._partial.unlink()

    def _close(self) -> None:
        self._add(SUMS, "".join(self._sums).encode())
        with _named(f"{self._path} can't be written"):
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._partial, self._path)
            durable.sync_folder(self._path.parent)

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(data), 0o600, int(now().timestamp())
        with _named(f"{self._path} can't be written"):
            self._tar.addfile(member, io.BytesIO(data))
        _forget(self._tar)


def sums(path: Path) -> dict[str, str]:
    """{name: SHA-256} of every member, after each has been read and found to be so.

    Raises:
        BackupError: the file is no backup, was broken off, or a member is not as it was written.
    """
    found: dict[str, str] = {}
    listed: dict[str, str] | None = None
    for name, data in _members(path):
        if listed is not None or name in found:
            raise BackupError(f"{path} is no backup of SecondRead, or was changed: {name} is one too many.")
        if name == SUMS:
            with _named(f"{path} can't be read"):
                listed = {name: digest for digest, name in _LINE.findall(data.decode("ascii"))}
        else:
            found[name] = hashlib.sha256(data).hexdigest()
    if listed is None:
        raise BackupError(f"{path} was broken off: its list of checksums is missing. Take another backup.")
    wrong = sorted(name for name in found.keys() | listed.keys() if found.get(name) != listed.get(name))
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise BackupError(f"{path} is damaged: {wrong[0]}{more} is not as it was written.")
    return found


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each member in order, without the list of checksums. BackupError as in `sums`."""
    return ((name, data) for name, data in _members(path) if name != SUMS)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Nothing is ever unpacked to a path: names are only compared, so they may say what they like."""
    with _named(f"{path} can't be read, or is no backup"), tarfile.open(path, "r:*") as tar:
        while (member := tar.next()) is not None:
            stream = tar.extractfile(member)
            if stream is None:
                raise BackupError(f"{path} is no backup of SecondRead: {member.name} is no plain file.")
            yield member.name, stream.read()
            _forget(tar)


def _forget(tar: tarfile.TarFile) -> None:
    """Let go of the members so far: tarfile remembers each, and there may be millions."""
    tar.members.clear()  # type: ignore[attr-defined]


@contextmanager
def _named(words: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BackupError(f"{words}: {reason}.") from error
