"""Stored files are whole or absent, under names that say nothing, and reached through one class."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.services_support import moto_server
from webapp.services.storage import Storage, StorageError, StoredFileMissing, derived_key

WHATEVER_AGE = timedelta(seconds=-2)
"""Object stores tell time in whole seconds: what was just written counts as older, too."""


@pytest.fixture(scope="module")
def bucket():
    with moto_server() as url:
        yield f"{url}/files"


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def storage(request, tmp_path):
    urls = {
        "folder": str(tmp_path / "files"),
        "file": (tmp_path / "files").as_uri(),
        "memory": f"memory://{tmp_path}",
    }
    return Storage(urls[request.param] if request.param in urls else request.getfixturevalue("bucket"))


def test_what_is_saved_is_read_back_byte_for_byte(storage):
    data = os.urandom(300_000)
    key = storage.save(data)
    assert storage.exists(key)
    assert storage.read(key) == data
    with storage.open(key) as stream:
        assert stream.read() == data


def test_the_same_bytes_twice_are_two_files_under_random_names(storage):
    first, second = storage.save(b"scan"), storage.save(b"scan")
    assert first != second
    assert re.fullmatch(r"originals/([0-9a-f]{2})/\1[0-9a-f]{30}", first)


def test_a_missing_file_has_an_error_of_its_own(storage):
    key = storage.save(b"scan")
    storage.delete(key)
    assert not storage.exists(key)
    with pytest.raises(StoredFileMissing):
        storage.read(key)
    with pytest.raises(StoredFileMissing):
        storage.open(key).read()


def test_deleting_twice_is_no_error(storage):
    key = storage.save(b"scan")
    storage.delete(key)
    storage.delete(key)
    assert not storage.exists(key)


def test_a_derived_picture_replaces_the_one_before(storage):
    key = derived_key("thumbnail", 1, "abc")
    storage.keep(key, b"old")
    storage.keep(key, b"new")
    assert storage.read(key) == b"new"


def test_old_files_are_listed_by_area_and_age(storage):
    upload = storage.save(b"scan")
    picture = derived_key("thumbnail", 1, upload)
    storage.keep(picture, b"picture")
    assert upload in set(storage.older("originals", WHATEVER_AGE))
    assert picture in set(storage.older("derived", WHATEVER_AGE))
    assert picture not in set(storage.older("originals", WHATEVER_AGE))
    assert upload not in set(storage.older("originals", timedelta(hours=1)))


def test_an_empty_storage_has_no_old_files(tmp_path):
    assert list(Storage(str(tmp_path / "new")).older("originals", WHATEVER_AGE)) == []


def test_the_probe_leaves_nothing_behind(storage):
    storage.probe()
    before = set(storage.older("originals", WHATEVER_AGE))
    storage.probe()
    assert set(storage.older("originals", WHATEVER_AGE)) == before


@pytest.mark.parametrize(
    "key",
    [
        "",
        "originals/ab/../../../etc/passwd",
        "/etc/passwd",
        "originals/ab/cd" + "0" * 30,
        "originals/ab/ab" + "0" * 30 + "\n",
        "originals/AB/AB" + "0" * 30,
        "elsewhere/ab/ab" + "0" * 30,
        "partial/ab/ab" + "0" * 30,
    ],
)
def test_only_proper_keys_become_paths(tmp_path, key):
    storage = Storage(str(tmp_path))
    for act in (
        storage.read,
        storage.open,
        storage.exists,
        storage.delete,
        lambda bad: storage.keep(bad, b""),
    ):
        with pytest.raises(StorageError):
            act(key)


def test_a_disk_that_refuses_is_a_named_error_and_leaves_no_half_file(tmp_path, monkeypatch):
    storage = Storage(str(tmp_path / "files"))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("webapp.services.durable.os.fsync", full)
    with pytest.raises(StorageError):
        storage.save(b"scan")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_half_written_file_is_swept_once_it_is_old(tmp_path):
    storage = Storage(str(tmp_path))
    half = tmp_path / "partial" / ("0" * 32)
    half.parent.mkdir()
    half.write_bytes(b"half")
    assert storage.sweep_partial(timedelta(hours=1)) == 0
    assert storage.sweep_partial(WHATEVER_AGE) == 1
    assert not half.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """The order that makes a power cut harmless: write, fsync, rename, fsync of the folder."""
    steps = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        steps.append("folder" if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir() else "file")
        real_fsync(descriptor)

    def replace(source, target):
        steps.append("rename")
        real_replace(source, target)

    storage = Storage(str(tmp_path))
    storage.save(b"makes the folders")
    key = derived_key("x")
    storage.keep(key, b"one")
    monkeypatch.setattr("webapp.services.durable.os.fsync", fsync)
    monkeypatch.setattr("webapp.services.durable.os.replace", replace)
    storage.keep(key, b"two")
    assert steps == ["file", "rename", "folder"]


def test_a_storage_that_is_not_there_is_a_named_error():
    storage = Storage("s3://bucket-that-nobody-made/files")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x"}.items():
            patch.setenv(name, value)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StorageError):
            storage.read(derived_key("x"))
