"""The one door to stored files: every path or object name of the product is built here.

A key is `originals/ab/<32 hex digits>` (an upload, byte for byte as received, under a random name) or
`derived/ab/<32 hex digits>` (a picture that can be drawn again). Nothing of a patient, a user or a
file name is in a key.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, BinaryIO, Literal, cast

from botocore.exceptions import BotoCoreError
from flask import Flask, current_app
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from webapp.config import AppConfig
from webapp.errors import Unavailable
from webapp.services import durable

_KEY = re.compile(r"(?:originals|derived)/([0-9a-f]{2})/\1[0-9a-f]{30}")
_PARTIAL = "partial"
Area = Literal["originals", "derived"]


class StorageError(Unavailable):
    """The file storage can't be reached, is full, or refuses."""

    code = "storage_unavailable"
    default = "The file storage can't be reached or is full. Nothing was kept; try again in a moment."


class StoredFileMissing(StorageError):
    """There is no file under a key that should have one."""

    code = "stored_file_missing"
    default = "The stored file is missing. Ask your administrator to restore it from the backup."


class Storage:
    """Files at an fsspec URL: `file:///folder` (or a bare path), `s3://bucket/prefix`, `memory://name`.

    Nothing is touched before the first use, and the connection is made by the process that uses it.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def save(self, data: bytes) -> str:
        """Keep an upload; returns its new random key.

        When this returns, the bytes are whole and survive a power cut (fsync of file and folder, or an
        object store's acknowledged PUT). A crash before leaves no half file under a key.

        Raises:
            StorageError: the bytes could not be written.
        """
        key = _key("originals", uuid.uuid4().hex)
        self._write(key, data)
        return key

    def keep(self, key: str, data: bytes) -> None:
        """Write a derived picture under `key` (from `derived_key`), replacing the one there.

        Raises:
            StorageError: the bytes could not be written.
        """
        self._write(key, data)

    def put_back(self, key: str, data: bytes) -> None:
        """Write a file under the key that it had: for restoring a backup. As safe as `save`.

        Raises:
            StorageError: the bytes could not be written, or `key` is none.
        """
        self._write(key, data)

    def keys(self, area: Area) -> Iterator[str]:
        """Every key in `area`, in no order."""
        yield from self.older(area, timedelta(minutes=-5))

    def read(self, key: str) -> bytes:
        """All bytes of a file.

        Raises:
            StoredFileMissing: there is none under this key.
            StorageError: the storage can't be reached or read.
        """
        with _named_errors():
            return cast(bytes, self._fs.cat_file(self._path(key)))

    def open(self, key: str) -> BinaryIO:
        """The file as a seekable binary stream, to be closed by the caller. Errors as in `read`."""
        with _named_errors():
            return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    def exists(self, key: str) -> bool:
        """Whether there is a whole file under `key`."""
        with _named_errors():
            return bool(self._fs.exists(self._path(key)))

    def delete(self, key: str) -> None:
        """Remove the file under `key`; no error where there is none."""
        with _named_errors():
            path = self._path(key)
            if self._fs.exists(path):
                self._fs.rm_file(path)

    def older(self, area: Area, than: timedelta) -> Iterator[str]:
        """Keys in `area` last written longer ago `than` that: for sweeping."""
        yield from (key for key in self._old_names(area, than) if _KEY.fullmatch(key))

    def sweep_partial(self, older_than: timedelta) -> int:
        """Remove half-written files that a crash left behind; returns how many."""
        names = list(self._old_names(_PARTIAL, older_than))
        for name in names:
            self._fs.rm_file(f"{self._root}/{name}")
        return len(names)

    def free_bytes(self) -> int | None:
        """How many bytes may still be written; None where the storage does not tell (an object store)."""
        if not isinstance(self._fs, LocalFileSystem):
            return None
        with _named_errors():
            self._fs.makedirs(self._root, exist_ok=True)
            return shutil.disk_usage(self._root).free

    def probe(self) -> None:
        """Write, read and delete a few bytes. Raises StorageError where one of these fails."""
        key = self.save(b"probe")
        if self.read(key) != b"probe":
            raise StorageError("The storage gave back other bytes than were written.")
        self.delete(key)

    @cached_property
    def _place(self) -> tuple[Any, str]:
        options = {"use_listings_cache": False} if self._url.startswith("s3://") else {}
        with _named_errors():
            filesystem, root = url_to_fs(self._url, **options)
        return filesystem, str(root).rstrip("/")

    @property
    def _fs(self) -> Any:
        return self._place[0]

    @property
    def _root(self) -> str:
        return self._place[1]

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise StorageError("That is not the key of a stored file.")
        return f"{self._root}/{key}"

    def _write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with _named_errors():
            if isinstance(self._fs, LocalFileSystem):
                durable.write(path, f"{self._root}/{_PARTIAL}/{uuid.uuid4().hex}", data)
            else:
                self._fs.pipe_file(path, data)  # an object appears whole or not at all

    def _old_names(self, area: str, older_than: timedelta) -> Iterator[str]:
        limit = datetime.now(UTC) - older_than
        with _named_errors():
            found = self._fs.find(f"{self._root}/{area}", detail=True)
        for path, info in found.items():
            if _written_at(info) < limit:
                yield path.removeprefix(f"{self._root}/")


def init_app(app: Flask, config: AppConfig) -> None:
    """Give `app` its storage."""
    app.extensions["storage"] = Storage(config.storage_url)


def derived_key(*parts: object) -> str:
    """The key of the picture that is drawn from `parts`: the same parts, the same key."""
    name = hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()
    return _key("derived", name[:32])


def storage() -> Storage:
    """The storage of the running application."""
    return cast(Storage, current_app.extensions["storage"])


def _key(area: Area, name: str) -> str:
    return f"{area}/{name[:2]}/{name}"


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StoredFileMissing() from error
    except (OSError, BotoCoreError) as error:
        raise StorageError() from error


def _written_at(info: dict[str, Any]) -> datetime:
    """When a file was last written: seconds since 1970 (local), or a datetime (object stores, memory)."""
    when = info.get("mtime", info.get("LastModified", info.get("created")))
    return when if isinstance(when, datetime) else datetime.fromtimestamp(float(when or 0), UTC)
