"""Writing a local file so that it is there, whole, after a power cut, or not there at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write(path: str, partial: str, data: bytes) -> None:
    """Write `data` to `partial`, force it to the disk, and rename it to `path`: both on one file system.

    Raises OSError; then nothing is left at `path` but what was there before.
    """
    _make_folder(Path(partial).parent)
    _make_folder(Path(path).parent)
    try:
        with open(partial, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):  # it may never have been made
            os.remove(partial)
        raise
    sync_folder(Path(path).parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """A new name is only safe once the folder that holds it is on the disk (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
