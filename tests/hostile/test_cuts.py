"""Disk full, database locked, worker out of memory: what was acknowledged remains, the page says what is the
matter meanwhile, and once it is over everything goes on by itself. For real."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.hostile.state import query
from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.scans import png
from tests.services_support import wait_for

MIB = 2**20
DISK = 48 * MIB
PATIENCE = 300

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Clinic:
    """A site with everything in one folder, somebody signed in, and what the server has acknowledged."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self.site = Site(folder, ML_WEIGHTS=str(weights), ML_THREADS="1", LEASE_SECONDS="5", DECODERS="1")
        self.database = folder / "secondread.db"
        self.site.set_up()
        for program in ("web", "worker"):
            self.site.start(program)
        self.site.wait_until_up()
        wait_for(lambda: query(self.database, "SELECT id FROM workers"), PATIENCE)
        self.person = Person(self.site)
        self.uploads: list[str] = []
        self.reads: list[str] = []

    def upload(self, seed: int, height: int = 48, width: int = 64) -> str:
        """The code of the answer to a new scan: of its verdict, or of what is the matter."""
        answer = self._post("/uploads", {}, {"files": ("scan.png", png(seed, height, width))})
        if answer.status_code != 200:
            assert answer.status_code == 503, answer.text[:500]
            return str(answer.json()["code"])
        (verdict,) = answer.json()["files"]
        if verdict["state"] != "refused":
            self.page = f"{verdict['case_url']}/images/{verdict['image_uid']}"
            self.uploads.append(verdict["image_uid"])
        assert len(verdict["message"]) > 20
        return str(verdict["code"])

    def read(self, comment: str) -> str:
        """ "saved", or the code of what is the matter, of a read of the image that was taken in last."""
        answer = self._post(f"{self.page}/reads", {"comment": comment, "own_class": "benign"})
        if answer.status_code == 303:
            self.reads.append(comment)
            return "saved"
        assert answer.status_code == 503, answer.text[:500]
        return str(answer.json()["code"])

    def look(self, page: str = "/") -> str:
        """The text of a page; whatever is the matter, it is a page of ours and not a bare error."""
        answer = self.person.session.get(self.site.url + page, timeout=60)
        assert answer.status_code in {200, 503}, answer.text[:500]
        return answer.text

    def check(self) -> None:
        """Wait for the work to be done; everything acknowledged is there, once, analysed once."""
        open_jobs = "SELECT id FROM jobs WHERE state IN ('queued', 'running')"
        wait_for(lambda: not query(self.database, open_jobs), PATIENCE)
        images = query(self.database, "SELECT uid FROM images")
        assert {uid for (uid,) in images} >= set(self.uploads)
        comments = [comment for (comment,) in query(self.database, "SELECT comment FROM reads")]
        assert sorted(comments) == sorted(self.reads)
        counts = "SELECT COUNT(a.id) FROM images i LEFT JOIN analyses a ON a.image_id = i.id GROUP BY i.id"
        assert set(query(self.database, counts)) == {(1,)}
        assert query(self.database, "SELECT DISTINCT state FROM jobs") == [("done",)]
        assert query(self.database, "PRAGMA integrity_check") == [("ok",)]

    def close(self) -> None:
        self.person.close()
        self.site.kill_all()

    def _post(self, path: str, data: dict[str, str], files: object = None):
        url = self.site.url
        return self.person.session.post(
            url + path,
            data={"csrf_token": self.person.token, **data},
            files=files,
            headers={"Accept": "application/json", "Referer": url},
            allow_redirects=False,
            timeout=90,
        )


@pytest.fixture
def weights(tmp_path):
    return write_weights(tmp_path / "weights", "tiny", 64)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "instance"


@pytest.fixture
def clinic(folder, weights):
    clinic = Clinic(folder, weights)
    yield clinic
    clinic.close()


@pytest.fixture
def small_disk(folder) -> Iterator[Path]:
    """The instance folder on a disk of its own, of 48 MiB."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root, outside of a locked-down container")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Write until not a byte more fits."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return filler


def test_a_full_disk(small_disk, clinic):
    assert clinic.upload(1) == "accepted"
    assert clinic.read("before") == "saved"
    wait_for(lambda: query(clinic.database, "SELECT id FROM analyses"), PATIENCE)
    filler = fill(small_disk)
    told = {clinic.upload(seed) for seed in range(2, 8)} | {clinic.read(f"read {n}") for n in range(40)}
    assert told <= {"accepted", "saved", "storage_unavailable", "disk_full", "database_unavailable"}, told
    assert told & {"storage_unavailable", "disk_full"}, told
    assert "SecondRead" in clinic.look()
    assert "SecondRead" in clinic.look(clinic.page)
    filler.unlink()
    wait_for(lambda: clinic.upload(20) == "accepted", PATIENCE)
    assert clinic.read("after") == "saved"
    clinic.check()


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the database as a writer that doesn't come to an end."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_database(clinic):
    assert clinic.upload(1) == "accepted"
    assert clinic.read("before") == "saved"
    with locked(clinic.database):
        began = time.monotonic()
        assert clinic.read("meanwhile") == "database_busy"
        assert time.monotonic() - began >= 5, "it was given a chance"
        assert clinic.upload(2) == "database_busy"
        assert "Busy" not in clinic.look(), "looking goes on"
    assert clinic.read("after") == "saved"
    assert clinic.upload(2) == "accepted"
    clinic.check()


def test_a_worker_out_of_memory(clinic):
    """It fails the job in words, or is ended by the C library; a supervisor (systemd) starts another."""
    assert clinic.upload(1) == "accepted"
    wait_for(lambda: query(clinic.database, "SELECT id FROM analyses"), PATIENCE)
    worker = clinic.site.pid("worker")
    in_use = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(worker, resource.RLIMIT_AS, (in_use // 2, resource.RLIM_INFINITY))
    assert clinic.upload(2, 4000, 4000) == "accepted"
    assert clinic.read("meanwhile") == "saved"
    failed = "SELECT error FROM jobs WHERE state = 'failed'"
    wait_for(lambda: not clinic.site.runs("worker") or query(clinic.database, failed), PATIENCE)
    text = clinic.look(clinic.page)
    assert any(words in text for words in ("Try again", "Waiting for its turn", "Analysing")), text
    clinic.site.kill("worker")
    clinic.site.start("worker")
    if query(clinic.database, failed):
        clinic._post(f"{clinic.page}/analyse", {"frame": "0"})
    clinic.check()
